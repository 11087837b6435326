"""Percentile bootstrap of means over things that stand for others of their kind, such as a layer's filters."""

from __future__ import annotations

import numpy as np

from gan_probe.measures.intervals import Estimate

DRAWS = 2000


def group_mean(values: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> Estimate:
    """The mean of values (F,) that were drawn from others, with its 95 % interval."""
    return percentiles(float(values.mean()), resampled_means(np.broadcast_to(values, (draws, len(values))), rng))


def group_difference(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> Estimate:
    """The mean of values (F,) less that of others (G,), drawn independently, with its 95 % interval."""
    a, b = (resampled_means(np.broadcast_to(values, (draws, len(values))), rng) for values in (first, second))
    return percentiles(float(first.mean() - second.mean()), a - b)


def resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean (D,) of each row of values (D, F) over F of its columns, drawn with replacement for each row anew."""
    drawn = rng.integers(values.shape[1], size=values.shape)
    means: np.ndarray = np.take_along_axis(values, drawn, axis=1).mean(axis=1)
    return means


def percentiles(value: float, drawn: np.ndarray) -> Estimate:
    """The value with the middle 95 % of the values (D,) that resampling gave."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high), f"percentile bootstrap ({len(drawn):,} draws)")
