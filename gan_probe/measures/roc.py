"""Areas under the ROC curve of many scores at once, their intervals, and what each image adds to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from gan_probe.errors import BadInputError
from gan_probe.measures.intervals import Estimate, normal
from gan_probe.measures.resampling import DRAWS, percentiles, resampled_means

BLOCK = 32  # scores ranked at once


@dataclass(frozen=True, eq=False)
class Areas:
    """Areas (F,) of F scores of the same N images, each against a target of its own.

    `influence` (N, F): to first order an area of images drawn w (N,) times each is `values + (w - 1) @ influence / N`
    (the placement values of DeLong et al. 1988). `p` (F,) tests an area above 1/2 against none, one-sided: the
    Mann-Whitney test, normal, with its correction for ties.
    """

    values: np.ndarray
    influence: np.ndarray
    p: np.ndarray

    def interval(self, f: int) -> Estimate:
        """Area f with its 95 % interval over images, at most 0..1."""
        error = float(self.influence[:, f].std(dtype=np.float64)) / len(self.influence) ** 0.5
        found = normal(float(self.values[f]), error, "DeLong")
        return Estimate(found.value, max(0.0, found.low), min(1.0, found.high), found.method)


def all_areas(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Areas (F, T) of each of the scores (N, F) for each of the targets (N, T) bool; ties count half.

    The probability that an image with the target scores higher than one without. Raises BadInputError for a target
    that all images have, or none.
    """
    n = len(scores)
    having = _having(targets)  # (T,)
    found = np.empty((scores.shape[1], targets.shape[1]))
    for start in range(0, scores.shape[1], BLOCK):
        ranks = rankdata(scores[:, start : start + BLOCK], axis=0)  # (N, B)
        found[start : start + BLOCK] = ranks.T @ targets.astype(np.float64)
    found -= having * (having + 1) / 2
    found /= having * (n - having)
    return found


def areas(scores: np.ndarray, targets: np.ndarray) -> Areas:
    """The area of each of the scores (N, F) for the target (N, F) bool beside it. BadInputError as for `all_areas`."""
    n, columns = scores.shape
    having = _having(targets)
    values, p = np.empty(columns), np.empty(columns)
    influence = np.empty((n, columns), np.float32)
    for f in range(columns):
        with_it, n1 = targets[:, f], int(having[f])
        n0 = n - n1
        ranks = rankdata(scores[:, f])
        below = (ranks[with_it] - rankdata(scores[with_it, f])) / n0  # share of those without that score lower
        above = 1 - (ranks[~with_it] - rankdata(scores[~with_it, f])) / n1  # of those with it that score higher
        values[f] = below.mean()
        influence[with_it, f] = (below - values[f]) * (n / n1)
        influence[~with_it, f] = (above - values[f]) * (n / n0)
        _, ties = np.unique(ranks, return_counts=True)
        variance = (n + 1 - (ties.astype(float) ** 3 - ties).sum() / (n * (n - 1))) / (12 * n1 * n0)
        p[f] = norm.sf((values[f] - 0.5) / variance**0.5) if variance > 0 else 1.0
    return Areas(values, influence, p)


def mean_area(found: Areas, rng: np.random.Generator, draws: int = DRAWS) -> Estimate:
    """The mean of the areas, over images and scores that both stand for others."""
    moved = found.values + _moves(found.influence, rng, draws)  # (draws, F)
    return percentiles(float(found.values.mean()), resampled_means(moved, rng))


def mean_difference(
    first: Areas, second: Areas, rng: np.random.Generator, draws: int = DRAWS
) -> tuple[Estimate, Estimate]:
    """Mean area of the first less that of the second, of the same images: over images alone, and over both.

    The second interval takes not only the images but also the scores for a draw from others, each group's own.
    """
    value = float(first.values.mean() - second.values.mean())
    both = np.concatenate([first.influence, second.influence], axis=1)  # the same images are drawn for both
    moves = np.split(_moves(both, rng, draws), [len(first.values)], axis=1)
    a, b = first.values + moves[0], second.values + moves[1]
    over_images = a.mean(axis=1) - b.mean(axis=1)
    over_both = resampled_means(a, rng) - resampled_means(b, rng)
    return percentiles(value, over_images), percentiles(value, over_both)


def _having(targets: np.ndarray) -> np.ndarray:
    having: np.ndarray = targets.sum(axis=0, dtype=np.int64)
    if not len(targets) or having.min(initial=1) < 1 or having.max(initial=0) >= len(targets):
        raise BadInputError("an area under the ROC curve needs images with the target and images without")
    return having


def _moves(influence: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """How far each area moves (draws, F) when N images are drawn with replacement."""
    n = len(influence)
    moved = np.empty((draws, influence.shape[1]))
    for draw in range(0, draws, 64):
        times = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(min(64, draws - draw))]
        moved[draw : draw + 64] = (np.array(times, np.float32) - 1) @ influence / n
    return moved
