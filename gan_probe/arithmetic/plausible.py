"""Whether an image could be one of a set: as near to its images as others of the set are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 1024  # rows of distances at once
SHARE = 0.95  # of the set's own held-out images that pass


def nearest(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Euclidean distance (N,) float64 of each row of x (N, F) to the nearest of reference (M, F)."""
    reference = reference.astype(np.float64)
    square = np.square(reference).sum(1)
    found = [
        (np.square(part).sum(1)[:, None] + square - 2 * part @ reference.T).min(1)
        for part in (x[i : i + BLOCK].astype(np.float64) for i in range(0, len(x), BLOCK))
    ]
    return np.sqrt(np.maximum(np.concatenate(found), 0)) if found else np.empty(0)


@dataclass(frozen=True)
class Plausible:
    """A limit that 95 % of held-out images of a set keep: their distance to the nearest of its other images.

    A blend of images that do not lie over each other is farther; so is noise. An image blurred towards the set's mean
    may be nearer, and passes.
    """

    reference: np.ndarray  # (M, F)
    limit: float

    @classmethod
    def calibrated(cls, reference: np.ndarray, held_out: np.ndarray) -> Plausible:
        """The limit from features of two disjoint draws of the set, (M, F) and (N, F)."""
        return cls(reference, float(np.quantile(nearest(held_out, reference), SHARE)))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Whether each row of x (N, F) keeps the limit, (N,) bool."""
        return nearest(x, self.reference) <= self.limit
