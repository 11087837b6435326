"""Two sets of counts over the same bins: which bins differ, by how much in all, and what is missing.

The bins may be clusters of real features, as in the number of statistically different bins (Richardson and Weiss 2018),
or classes that a judge names.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.intervals import Estimate, normal, proportion

LEVEL = 0.05  # of each bin's test
HARDLY = 0.25  # of the real share: a bin with significantly less is lost


class Clusters:
    """Bins around the `k` means of real features (N, F), by k-means; `k` at least 2, and no more than N."""

    def __init__(self, features: np.ndarray, k: int, rng: np.random.Generator) -> None:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        if not 2 <= k <= len(features):
            raise BadInputError(f"{k} bins for {len(features)} images: ask for 2 bins at least, and fewer than images")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different images than bins
            fitted = KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit(features)
        self.centres: np.ndarray = fitted.cluster_centers_  # (K, F)

    def of(self, features: np.ndarray) -> np.ndarray:
        """The bin of each row, (N,) int64."""
        found: np.ndarray = ((self.centres**2).sum(axis=1) - 2 * features @ self.centres.T).argmin(axis=1)
        return found

    def count(self, features: np.ndarray) -> np.ndarray:
        """How many rows fall into each bin, (K,) int64."""
        return np.bincount(self.of(features), minlength=len(self.centres))


@dataclass(frozen=True)
class Comparison:
    """Two sets of counts (K,) over the same bins, real ones first.

    `p` (K,) are two-sided p-values of the two-proportion z test with pooled variance, bin by bin; `different` counts
    those below 0.05, of which `expected` would be there by chance alone, and `corrected` those that stay so after
    Bonferroni's correction. `distance` is the total variation, 0 for equal shares and 1 for disjoint ones; it is above
    0 by chance too. `lost` is the share of real ones in bins that others hardly fall into: significantly
    (corrected), and less than a quarter as often; `lost_bins` (K,) says which.
    """

    real: np.ndarray
    fake: np.ndarray
    p: np.ndarray
    different: Estimate
    corrected: int
    expected: float
    distance: Estimate
    lost: Estimate
    lost_bins: np.ndarray


def compare_bins(real: np.ndarray, fake: np.ndarray) -> Comparison:
    """Compare counts (K,) of real images with those of samples; BadInputError where either set is empty.

    Intervals: `different` is a share of the bins, with Wilson's over bins; `distance` has the delta method's over the
    images of both sets; `lost` has Wilson's over real images, the lost bins as they are.
    """
    from scipy.stats import norm

    n, m = int(real.sum()), int(fake.sum())
    if real.shape != fake.shape or min(n, m) < 1:
        raise BadInputError(
            f"counts {real.shape} of {n} images and {fake.shape} of {m}: pass counts over the same bins"
        )
    p, q = real / n, fake / m
    pooled = (real + fake) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(p - q, error, out=np.zeros(len(p)), where=error > 0)  # a bin of none or of all does not differ
    values = 2 * norm.sf(np.abs(z))
    bins = len(p)
    lost = (values < LEVEL / bins) & (q < HARDLY * p)
    return Comparison(
        real,
        fake,
        values,
        proportion(int((values < LEVEL).sum()), bins),
        int((values < LEVEL / bins).sum()),
        LEVEL * bins,
        _total_variation(p, q, n, m),
        proportion(int(real[lost].sum()), n),
        lost,
    )


def _total_variation(p: np.ndarray, q: np.ndarray, n: int, m: int) -> Estimate:
    side = np.sign(p - q)
    variance = sum((share @ side**2 - (share @ side) ** 2) / size for share, size in ((p, n), (q, m))) / 4
    value = float(np.abs(p - q).sum()) / 2
    found = normal(value, float(np.sqrt(max(0.0, float(variance)))), "delta method")
    return Estimate(value, max(0.0, found.low), min(1.0, found.high), found.method)


def by_bins(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """The mean of values (N,) as one of K values: each bin's share in it, for rows of a bin that depend on each other.

    `bins` (N,) are those of the rows. To first order the values are independent where bins are, though rows are not:
    one sample covers many real images, which lie near to each other (Liang and Zeger 1986).
    """
    k = int(bins.max()) + 1
    mean = float(values.mean())
    summed: np.ndarray = mean + np.bincount(bins, values - mean, minlength=k) * k / len(values)
    return summed
