"""Bootstrap intervals: what a mean would have been over other draws of the same kind."""

from __future__ import annotations

import numpy as np

from gan_probe.measures.intervals import Estimate

DRAWS = 2000


def bootstrap_mean(values: np.ndarray, rng: np.random.Generator, confidence: float = 0.95) -> Estimate:
    """The mean of values (N,) with its percentile interval over 2,000 draws of N with replacement (Efron 1979).

    It takes no shape of distribution for granted, and is a little narrow for few values.
    """
    means = values[rng.integers(len(values), size=(DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Estimate(float(values.mean()), float(low), float(high), "percentile bootstrap")
