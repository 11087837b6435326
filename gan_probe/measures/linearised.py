"""Statistics of many filters over the same images, with what each image adds to them, and intervals from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.intervals import Estimate, crossed_mean, normal

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Linearised:
    """Statistics (F,) of F filters over N images.

    `influence` (N, F), each column's sum 0: to first order a statistic of images that are drawn w (N,) times each is
    `values + (w - 1) @ influence / N`.
    """

    values: np.ndarray
    influence: np.ndarray

    def interval(self, f: int) -> Estimate:
        """Statistic f with its 95 % interval over images."""
        error = float(self.influence[:, f].std(dtype=np.float64)) / len(self.influence) ** 0.5
        return normal(float(self.values[f]), error, "normal, linearised over images")


def mean_over(found: Linearised, rng: np.random.Generator, draws: int = DRAWS) -> Estimate:
    """The mean over filters, with its interval over images and filters that both stand for others."""
    moved = found.values + _moves(found.influence, rng, draws)
    return _percentiles(float(found.values.mean()), _resampled_means(moved, rng))


def difference_of_means(
    first: Linearised, second: Linearised, rng: np.random.Generator, draws: int = DRAWS
) -> Estimate:
    """Mean of the first less that of the second, over the same images drawn anew and each one's filters drawn anew."""
    both = np.concatenate([first.influence, second.influence], axis=1)
    a, b = np.split(_moves(both, rng, draws), [len(first.values)], axis=1)
    drawn = _resampled_means(first.values + a, rng) - _resampled_means(second.values + b, rng)
    return _percentiles(float(first.values.mean() - second.values.mean()), drawn)


def difference_to_draws(first: Linearised, seconds: Sequence[Linearised]) -> Estimate:
    """Mean of the first less that of a random network, over images and over draws of that network; two at least."""
    scores = np.stack(
        [
            first.values.mean() - second.values.mean() + (first.influence.mean(axis=1) - second.influence.mean(axis=1))
            for second in seconds
        ]
    )  # (draws, N), each row's mean the difference to that draw
    return Estimate(*crossed_mean(scores), "two-way random effects")


def pooled(parts: Sequence[Linearised]) -> Linearised:
    """All their filters side by side."""
    values = np.concatenate([part.values for part in parts])
    return Linearised(values, np.concatenate([part.influence for part in parts], axis=1))


def _moves(influence: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """How far each statistic moves (draws, F) when N images are drawn with replacement."""
    n = len(influence)
    moved = np.empty((draws, influence.shape[1]))
    for draw in range(0, draws, 64):
        times = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(min(64, draws - draw))]
        moved[draw : draw + 64] = (np.array(times, np.float32) - 1) @ influence / n
    return moved


def _resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean (D,) of each row of values (D, F) over F of its columns, drawn with replacement for each row anew."""
    drawn = rng.integers(values.shape[1], size=values.shape)
    means: np.ndarray = np.take_along_axis(values, drawn, axis=1).mean(axis=1)
    return means


def _percentiles(value: float, drawn: np.ndarray) -> Estimate:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high), f"percentile bootstrap ({len(drawn):,} draws)")
