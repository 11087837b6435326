"""How varied a set of samples is, beside the real images that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = 20  # clusters of real images
SPLITS = 20  # halves of the real images, drawn at random
NEAR = 0.01  # the share of real images that have another within the distance of duplicates


@dataclass(frozen=True)
class Signals:
    """Three ways in which samples may lack variety, each measured against real images of the same number.

    `diversity` is the mean distance of two samples, as a multiple of that of two real images; `kinds` the effective
    number of kinds (the exponential of the entropy over `KINDS` clusters of real images), as a share of that of real
    images; `duplicates` the share of samples that have another nearer than only 1 % of real images have.
    """

    diversity: float
    kinds: float
    duplicates: float


class Reference:
    """Real images in a feature space: (N, F) float32, at least 4; half of them judge, the other half are judged.

    `band` holds the lowest and highest of each signal over random halves of real images: what signals look like where
    nothing is wrong. `limits` are the lines between variety and collapse, taken from real images too: the diversity of
    images of a single kind, the mean over the kinds, and the number of kinds in images of half of them.
    """

    def __init__(self, features: np.ndarray, rng: np.random.Generator) -> None:
        from sklearn.cluster import KMeans

        self.n = len(features) // 2
        k = min(KINDS, self.n)
        seed = int(rng.integers(2**31))
        self._centres: np.ndarray = KMeans(k, n_init=1, random_state=seed).fit(features).cluster_centers_  # (K, F)
        kind = self._kinds(features)  # (N,)
        distances = pairwise(features, features)
        self._near, self._spread, self._effective = 0.0, 1.0, 1.0  # until they are known
        halves = [rng.permutation(len(features))[: self.n] for _ in range(SPLITS)]
        whole = [self._raw(distances[np.ix_(half, half)], kind[half]) for half in halves]
        nearest = np.concatenate([near for _, _, near in whole])
        self._spread = float(np.mean([spread for spread, _, _ in whole])) or 1.0
        self._effective = float(np.mean([effective for _, effective, _ in whole]))
        self._near = float(np.quantile(nearest, NEAR))
        seen = [self._signals(*one) for one in whole]
        self.band = {
            name: (min(getattr(s, name) for s in seen), max(getattr(s, name) for s in seen))
            for name in Signals.__dataclass_fields__
        }
        self.limits = {
            "diversity": self._of_kinds(distances, kind, 1, rng).diversity,
            "kinds": self._of_kinds(distances, kind, k // 2, rng).kinds,
        }

    def measure(self, features: np.ndarray) -> Signals:
        """The signals of samples (M, F) float32."""
        return self._signals(*self._raw(pairwise(features, features), self._kinds(features)))

    def _kinds(self, features: np.ndarray) -> np.ndarray:
        return pairwise(features, self._centres).argmin(axis=1)  # (N,)

    def _raw(self, distances: np.ndarray, kind: np.ndarray) -> tuple[float, float, np.ndarray]:
        n = len(distances)
        shares = np.bincount(kind, minlength=len(self._centres)) / n
        present = shares[shares > 0]
        effective = float(np.exp(-(present * np.log(present)).sum()))
        apart = distances + np.diag(np.full(n, np.inf, np.float32))
        return float(distances.sum() / max(n * (n - 1), 1)), effective, apart.min(axis=1)

    def _signals(self, spread: float, effective: float, nearest: np.ndarray) -> Signals:
        return Signals(spread / self._spread, effective / self._effective, float((nearest < self._near).mean()))

    def _of_kinds(self, distances: np.ndarray, kind: np.ndarray, k: int, rng: np.random.Generator) -> Signals:
        """The mean signals of real images of k kinds alone."""
        seen = []
        for _ in range(SPLITS):
            chosen = np.flatnonzero(np.isin(kind, rng.permutation(len(self._centres))[:k]))
            if len(chosen) > 1:
                seen.append(self._signals(*self._raw(distances[np.ix_(chosen, chosen)], kind[chosen])))
        return Signals(*(float(np.mean([getattr(s, name) for s in seen])) for name in Signals.__dataclass_fields__))


def pairwise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances (N, M) float32 of a (N, F) and b (M, F)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)


Features = "Callable[[np.ndarray], np.ndarray]"


def pixels(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) uint8 as (N, H * W * C) float32 in [0, 1]: the space `pixels`."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
