"""How varied a set of samples is, beside real images: the signs of collapse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.duplicates import duplicate_rate, threshold
from gan_probe.measures.pairs import within
from gan_probe.measures.rows import Rows
from gan_probe.measures.sample_set import RealSet

if TYPE_CHECKING:
    from gan_probe.measures.pairs import Within
    from gan_probe.measures.sample_set import Measures

KINDS = 20  # clusters of real images, of ten images at least on average
SPLITS = 10  # random halves of the real images
CHOICES = 20  # random choices of their kinds

Signals = dict[str, float]


class Reference:
    """Real images in a feature space, (N, F) float32 with N at least 20, beside which samples are judged.

    Three signals are cheap, and each is relative to as many real images: `diversity`, the mean distance of two samples;
    `kinds`, the effective number of kinds (the exponential of the entropy over 20 clusters of the real images, whose
    bins Richardson and Weiss 2018 count); `duplicates`, the share of the samples that have another nearer than only 1 %
    of real images have.

    `band` has the lowest and the highest value of each signal over random halves of the real images: how it looks where
    nothing is wrong. `collapsed` has the line beyond which samples count as collapsed: fewer kinds than real images of
    a half of the kinds have, or nine duplicates in ten. `held_out` has the measures of one half against the other.
    """

    def __init__(self, features: np.ndarray, rng: np.random.Generator) -> None:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        n, k = len(features), max(2, min(KINDS, len(features) // 10))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different images than clusters
            found = KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit(features)
        self._centres: np.ndarray = found.cluster_centers_  # (K, F)
        kinds = self._nearest_centre(features)
        halves = [rng.permutation(n)[: n // 2] for _ in range(SPLITS)]
        looked = [within(Rows(features[half]), 1) for half in halves]
        self._spread = float(np.mean([one.mean for one in looked])) or 1.0  # all real images may be one
        self._kinds = float(np.mean([effective(kinds[half]) for half in halves]))
        self._near = threshold(np.concatenate([one.nearest[:, 0] for one in looked]))
        seen = [self._signals(one, kinds[half]) for one, half in zip(looked, halves, strict=True)]
        self.band = {name: (min(s[name] for s in seen), max(s[name] for s in seen)) for name in seen[0]}
        some = [kinds[np.isin(kinds, rng.permutation(k)[: k // 2])] for _ in range(CHOICES)]
        self.collapsed = {
            "kinds": float(np.mean([effective(kept) for kept in some if len(kept)])) / self._kinds,
            "duplicates": 0.9,
        }
        self._real = RealSet(features[: n // 2])
        self.held_out = self.measures(features[n // 2 : 2 * (n // 2)])

    def signals(self, features: np.ndarray) -> Signals:
        """The three signals of samples (M, F) float32, M at least 3."""
        return self._signals(within(Rows(features), 1), self._nearest_centre(features))

    def measures(self, features: np.ndarray) -> Measures:
        """All measures of samples (M, F): ten times as costly."""
        return self._real.measure(features)

    def _signals(self, looked: Within, kinds: np.ndarray) -> Signals:
        return {
            "diversity": looked.mean / self._spread,
            "kinds": effective(kinds) / self._kinds,
            "duplicates": duplicate_rate(looked.nearest[:, 0], self._near).value,
        }

    def _nearest_centre(self, features: np.ndarray) -> np.ndarray:
        nearest: np.ndarray = ((self._centres**2).sum(axis=1) - 2 * features @ self._centres.T).argmin(axis=1)
        return nearest  # (N,)


def effective(kinds: np.ndarray) -> float:
    """The effective number of kinds among (N,): the exponential of the entropy of their shares."""
    _, counts = np.unique(kinds, return_counts=True)
    shares = counts / len(kinds)
    return float(np.exp(-(shares * np.log(shares)).sum()))
