"""Seeded draws without replacement, stratified where there are labels: several sets are sorted by class."""

from __future__ import annotations

import numpy as np


def draw(total: int, labels: np.ndarray | None, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` of `total` indices in random order.

    With labels (total,) each class gives its proportional share, rounded down or up so that the shares sum to n
    (largest remainders, ties at random).
    """
    if labels is None:
        return rng.permutation(total)[:n]
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    shares, remainders = np.divmod(counts * n, total)  # exact: integers throughout
    tie_break = rng.permutation(len(counts))
    extra = np.lexsort((tie_break, -remainders))[: n - shares.sum()]
    shares[extra] += 1
    order = rng.permutation(total)
    by_class = order[np.argsort(classes[order], kind="stable")]
    rank = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)  # position within its class
    return rng.permutation(by_class[rank < np.repeat(shares, counts)])
