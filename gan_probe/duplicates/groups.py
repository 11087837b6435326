"""From pairs to groups: who is left out because of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable


def components(n: int, pairs: np.ndarray) -> list[np.ndarray]:
    """The sets of two or more among n things that pairs (P, 2) connect, each sorted, by their first member."""
    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, which = connected_components(graph, directed=False)
    touched = np.unique(pairs)
    order = touched[np.argsort(which[touched], kind="stable")]
    found = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    return sorted(found, key=lambda members: int(members[0]))


def led_by_first(members: np.ndarray, agree: Callable[[int, np.ndarray], np.ndarray]) -> list[np.ndarray]:
    """Split connected members (M,) into groups whose every member agrees with the group's first.

    A chain of pairs leads from one picture to quite another, and what is left out should be what is kept.
    `agree(first, others)` says (K,) bool of others (K,). Groups of one are left out.
    """
    found, rest = [], members
    while len(rest) > 1:
        first, others = int(rest[0]), rest[1:]
        with_it = agree(first, others)
        if with_it.any():
            found.append(np.r_[first, others[with_it]])
        rest = others[~with_it]
    return found


def left_out(groups: list[np.ndarray]) -> np.ndarray:
    """Pairs (P, 2) of each group's first, which is kept, and each other, which is not."""
    pairs = [np.stack(np.broadcast_arrays(group[0], group[1:]), axis=1) for group in groups]
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
