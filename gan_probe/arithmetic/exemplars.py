"""Which samples stand for a concept in each draw: none stands twice, so that draws are independent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def disjoint_draws(pools: Sequence[np.ndarray], k: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `draws` draws of k members of each pool, as (P, R, k) int64; R is what the pools allow, 0 included.

    `pools` are P arrays of sample numbers, which may overlap. No number comes twice, in no draw and for no pool: draws
    of random samples are then independent, and a binomial interval of what becomes of them is right.
    """
    shared = [np.unique(pool) for pool in pools]
    for mask in range(1, 2 ** len(pools)):  # Hall's condition: every union of pools must be large enough
        members = [pool for i, pool in enumerate(shared) if mask >> i & 1]
        draws = min(draws, len(np.unique(np.concatenate(members))) // (k * len(members)))
    taken: list[np.ndarray] = [np.empty(0, np.int64)] * len(pools)
    used = np.empty(0, np.int64)
    for i in sorted(range(len(pools)), key=lambda i: len(shared[i])):  # the rarest chooses first
        free = rng.permutation(np.setdiff1d(shared[i], used, assume_unique=True))
        draws = min(draws, len(free) // k)
        taken[i] = free[: draws * k]
        used = np.concatenate([used, taken[i]])
    return np.stack([numbers[: draws * k].reshape(draws, k) for numbers in taken]).astype(np.int64)
