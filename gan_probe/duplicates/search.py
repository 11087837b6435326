"""The second stage: near-duplicates that a hash misses, sought by their spectra and then laid over each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.duplicates.groups import components, led_by_first
from gan_probe.duplicates.hashes import equal
from gan_probe.duplicates.registration import agreement
from gan_probe.duplicates.spectra import descriptors, nearest, whitening

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, int, str], None]

NEIGHBOURS = 8  # looked at for each image, and as many for its mirror image
# In photographs copies agree from 0.88 on, by eye; drawings and digits are alike without being copies.
LOWEST, HIGHEST = 0.88, 0.97
DEVIATIONS = 3.5
BLOCK = 4096


def limit_of(best: np.ndarray) -> float:
    """The agreement from which a pair counts, by the best agreement (N,) of each image with any other of its set.

    It is 3.5 robust standard deviations (median absolute deviation, in Fisher's z) above the median of what is usual
    in the set, best agreements below 0.97: duplicates lie outside of it, be they many. At least 0.88 and at most 0.97.
    """
    usual = best[best < HIGHEST]
    if not len(usual):
        return HIGHEST
    z = np.arctanh(np.clip(usual, 0, None))
    middle = float(np.median(z))
    deviation = 1.4826 * float(np.median(np.abs(z - middle)))
    return float(np.clip(np.tanh(middle + DEVIATIONS * deviation), LOWEST, HIGHEST))


@dataclass
class NearDuplicates:
    """Near-duplicates among images (N, H, W, 3) uint8; `limit` is the agreement from which a pair counts.

    `best` (N,) is each image's best agreement with any other looked at, `pairs` (P, 2) are those that count, the first
    below the second, and `agreements` (P,) theirs. Equal images are pairs whatever they show.
    """

    images: np.ndarray
    limit: float | None = None
    progress: Progress | None = None
    pairs: np.ndarray = field(init=False)
    agreements: np.ndarray = field(init=False)
    best: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        found = descriptors(self.images)
        self._whitened = whitening(found)
        self._rows = self._whitened(found)
        pairs, agreements = self._look(self.images, "looking for near-duplicates", same=True)
        pairs, agreements = _best(np.sort(pairs, axis=1), agreements)
        self.best = np.zeros(len(self.images), np.float32)
        for column in pairs.T:
            np.maximum.at(self.best, column, agreements)
        if self.limit is None:
            self.limit = limit_of(self.best)
        counted = agreements >= self.limit
        same = equal(self.images.reshape(len(self.images), -1))
        self.pairs = np.concatenate([pairs[counted], same])
        self.agreements = np.concatenate([agreements[counted], np.ones(len(same), np.float32)])

    def groups(self) -> list[np.ndarray]:
        """Groups of duplicates, each sorted: every member agrees with the first, as it is or mirrored."""

        def agree(first: int, others: np.ndarray) -> np.ndarray:
            pairs = np.stack([np.zeros_like(others), others], axis=1)
            own = self.images[first : first + 1]
            same = (self.images[others] == own).all((1, 2, 3))
            both = np.maximum(agreement(own, self.images, pairs), agreement(own[:, :, ::-1], self.images, pairs))
            return np.asarray(same | (both >= self.limit))

        found = [group for c in components(len(self.images), self.pairs) for group in led_by_first(c, agree)]
        return sorted(found, key=lambda group: (-len(group), int(group[0])))

    def matches(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of other images (M, H, W, 3) uint8, pairs (P, 2) of query and image that count, and their agreements (P,)."""
        pairs, agreements = self._look(queries, "", same=False)
        counted = agreements >= self.limit
        return _best(pairs[counted], agreements[counted])

    def closest(self, queries: np.ndarray) -> np.ndarray:
        """The best agreement (M,) of each of other images (M, H, W, 3) uint8 with an image looked at."""
        pairs, agreements = self._look(queries, "", same=False)
        best = np.zeros(len(queries), np.float32)
        np.maximum.at(best, pairs[:, 0], agreements)
        return best

    def _look(self, queries: np.ndarray, what: str, *, same: bool) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of each query and of its mirror image, and how well they agree."""
        pairs, agreements = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
        done, total = 0, 2 * len(queries)
        for turned in (queries, queries[:, :, ::-1]):
            for start in range(0, len(queries), BLOCK):
                some = turned[start : start + BLOCK]
                own = np.arange(start, start + len(some)) if same else None
                near = nearest(self._whitened(descriptors(some)), self._rows, NEIGHBOURS, own=own)
                agreements.append(agreement(some, self.images, near))
                pairs.append(near + np.array([start, 0]))
                done += len(some)
                if self.progress is not None and what:
                    self.progress(done, total, what)
        return np.concatenate(pairs), np.concatenate(agreements)


def _best(pairs: np.ndarray, agreements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair (P, 2) once, sorted, with the best of its agreements (P,)."""
    order = np.lexsort((-agreements, pairs[:, 1], pairs[:, 0]))
    pairs, agreements = pairs[order], agreements[order]
    once = np.ones(len(pairs), np.bool_)
    once[1:] = (pairs[1:] != pairs[:-1]).any(1)
    return pairs[once], agreements[once]
