"""How varied a set of samples is, beside real images: the signs of collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KINDS = 20  # clusters of real images, of ten images at least on average
SPLITS = 20  # random halves of the real images, and random choices of their kinds
NEAR = 0.01  # the share of real images that have another within the distance of duplicates
SIGNALS = ("diversity", "kinds", "duplicates")

Signals = dict[str, float]


class Reference:
    """Real images in a feature space, (N, F) float32 with N at least 20, beside which samples are judged.

    Three signals are measured here, each relative to as many real images: `diversity`, the mean distance of two
    samples; `kinds`, the effective number of kinds (the exponential of the entropy over 20 clusters of the real images;
    Richardson and Weiss 2018 count such bins); `duplicates`, the share of the samples that have another nearer than
    only 1 % of real images have. `measures` adds others by name, functions of real features and samples' features.

    `band` has the lowest and the highest value of each signal over random halves of the real images: how it looks where
    nothing is wrong. `collapsed` has the line beyond which samples count as collapsed: fewer kinds than real images of
    a half of the kinds have, or a half of the samples duplicates.
    """

    def __init__(
        self,
        features: np.ndarray,
        rng: np.random.Generator,
        measures: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] | None = None,
    ) -> None:
        from sklearn.cluster import KMeans

        n, k = len(features), max(2, min(KINDS, len(features) // 10))
        self.measures = dict(measures or {})
        self._real = features[: n // 2]  # (N // 2, F)
        found = KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit(features)
        self._centres: np.ndarray = found.cluster_centers_  # (K, F)
        kinds = self._nearest_centre(features)
        apart = distances(features, features)
        halves = [rng.permutation(n)[: n // 2] for _ in range(SPLITS)]
        spreads, nearest = zip(*(_spread(apart[np.ix_(half, half)]) for half in halves), strict=True)
        self._spread = float(np.mean(spreads)) or 1.0  # all real images may be one
        self._kinds = float(np.mean([self._effective(kinds[half]) for half in halves]))
        self._near = float(np.quantile(np.concatenate(nearest), NEAR))
        seen = [self._three(apart[np.ix_(half, half)], kinds[half]) for half in halves]
        for half, signals in zip(halves, seen, strict=True):
            signals |= self._others(features[half], features[np.setdiff1d(np.arange(n), half)])
        self.band = {name: (min(s[name] for s in seen), max(s[name] for s in seen)) for name in seen[0]}
        chosen = [np.isin(kinds, rng.permutation(k)[: k // 2]) for _ in range(SPLITS)]
        self.collapsed = {
            "kinds": float(np.mean([self._effective(kinds[some]) for some in chosen if some.any()])) / self._kinds,
            "duplicates": 0.5,
        }

    def measure(self, features: np.ndarray) -> Signals:
        """The signals of samples (M, F) float32, M at least 2."""
        signals = self._three(distances(features, features), self._nearest_centre(features))
        return signals | self._others(self._real, features)

    def _three(self, apart: np.ndarray, kinds: np.ndarray) -> Signals:
        spread, nearest = _spread(apart)
        values = spread / self._spread, self._effective(kinds) / self._kinds, float((nearest < self._near).mean())
        return dict(zip(SIGNALS, values, strict=True))

    def _others(self, real: np.ndarray, samples: np.ndarray) -> Signals:
        return {name: float(measure(real, samples)) for name, measure in self.measures.items()}

    def _nearest_centre(self, features: np.ndarray) -> np.ndarray:
        nearest: np.ndarray = distances(features, self._centres).argmin(axis=1)  # (N,)
        return nearest

    def _effective(self, kinds: np.ndarray) -> float:
        shares = np.bincount(kinds)[np.unique(kinds)] / len(kinds)
        return float(np.exp(-(shares * np.log(shares)).sum()))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances (N, M) float32 between a (N, F) and b (M, F)."""
    origin = b.mean(axis=0)  # about it, less is lost to rounding
    a, b = a - origin, b - origin
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    apart: np.ndarray = np.sqrt(np.maximum(squares, 0))
    return apart


def pixels(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) uint8 as (N, H * W * C) float32 in [0, 1]: the feature space `pixels`."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _spread(apart: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of distances (N, N) between two, and each one's distance (N,) to the nearest other."""
    n = len(apart)
    others = apart[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    return float(others.mean()), others.min(axis=1)
