"""KID: the squared maximum mean discrepancy of two sets under a cubic kernel, without bias (Bińkowski et al. 2018).

The kernel is (x y / F + 1)^3, with F the number of features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.intervals import Estimate, normal

if TYPE_CHECKING:
    from gan_probe.measures.pairs import Between, Within


def kernel_distance(real: Within, fake: Within, between: Between) -> Estimate:
    """KID over whole sets, from the row sums of their kernels; at equal distributions it is 0 on average.

    The interval is the delete-one jackknife's, over the samples of both sets; it is too wide where the distributions
    are nearly equal, never too narrow on average (Efron and Stein 1981).
    """
    value, *influences = kernel_influence(real, fake, between)
    variance = sum(float(influence.var(ddof=1)) / len(influence) for influence in influences)
    return normal(value, float(np.sqrt(variance)), "jackknife")


def kernel_influence(real: Within, fake: Within, between: Between) -> tuple[float, np.ndarray, np.ndarray]:
    """KID, and by how much each real sample (N,) and each fake one (M,) moves it: jackknife pseudo-values less KID.

    Both have mean 0, as KID is a U-statistic.
    """
    n, m = len(real.kernel), len(fake.kernel)
    crossed = between.real_kernel.sum()
    own, other = (side.kernel.sum() / (size * (size - 1)) for side, size in ((real, n), (fake, m)))
    value = float(own + other - 2 * crossed / (n * m))
    influences = []
    for mine, theirs, size, opposite, rest in (
        (real.kernel, between.real_kernel, n, m, other),
        (fake.kernel, between.fake_kernel, m, n, own),
    ):
        left = (mine.sum() - 2 * mine) / ((size - 1) * (size - 2))  # without each sample in turn
        without = left + rest - 2 * (crossed - theirs) / ((size - 1) * opposite)
        influences.append((size - 1) * (value - without))
    return value, influences[0], influences[1]


def kernel_distance_of_subsets(
    real: np.ndarray, fake: np.ndarray, rng: np.random.Generator, subsets: int = 100, size: int = 1000
) -> tuple[float, float]:
    """KID as published tables give it: mean and standard deviation over random subsets of features (N, F) and (M, F).

    Subsets of one set overlap: the deviation is that of a subset, and no error of the mean. Raises BadInputError for
    sets smaller than a subset. Source: torch-fidelity, whose defaults these are.
    """
    if size < 2 or subsets < 1 or size > min(len(real), len(fake)):
        raise BadInputError(f"subsets of {size} samples cannot be drawn from {len(real)} and {len(fake)}: take fewer")
    values = []
    for _ in range(subsets):
        x, y = (rows[rng.choice(len(rows), size, replace=False)].astype(np.float64) for rows in (real, fake))
        own, other, crossed = _kernel(x, x), _kernel(y, y), _kernel(x, y)
        unequal = own.sum() - np.trace(own) + other.sum() - np.trace(other)
        values.append(unequal / (size * (size - 1)) - 2 * crossed.mean())
    return float(np.mean(values)), float(np.std(values))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    found: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return found
