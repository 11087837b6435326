"""Whether samples are copies: their distances to the nearest training image against those of held-out images.

Held-out images are of the data's own distribution and were not trained on: samples no nearer to the training images
than they are show no copying. All p-values are for samples that are *nearer*; given the training images they hold
for any distribution of images, as they use the order of the distances alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.intervals import Estimate, proportion

SHARE = 0.01  # of the held-out images, that lie below the threshold by definition
FEWEST = 20  # samples of a cell: with no more than so many it is left out of C_T


@dataclass(frozen=True)
class LowerTail:
    """How many samples are nearer to a training image than nearly all held-out ones are.

    `threshold` is the distance below which `rank - 1` of `n_held` held-out images lie; `nearer` (M,) says which samples
    do, `share` how many, with Wilson's interval at that threshold; `p` is the probability of at least as many where the
    samples are like the held-out images, exact for continuous distances and cautious for tied ones.
    """

    threshold: float
    rank: int
    n_held: int
    nearer: np.ndarray
    share: Estimate
    p: float


def lower_tail(held_out: np.ndarray, samples: np.ndarray, share: float = SHARE) -> LowerTail:
    """Compare the samples' nearest distances (M,) with the lowest percentile of the held-out images' (N,).

    That percentile is itself drawn. Under the null all orders of the N + M distances are equally likely, so that the
    number of samples before the r-th held-out image is negative hypergeometric (the precedence test, Nelson 1963):
    the error of the threshold is part of the p-value. Copies among samples that are poor otherwise are found, where
    tests of the whole distribution see the poor ones alone. Raises BadInputError where either is empty.
    """
    n, m = len(held_out), len(samples)
    if not n or not m:
        raise BadInputError("copying cannot be tested without samples and held-out images: pass some of both")
    rank = max(1, math.ceil(share * n))
    threshold = float(np.partition(held_out, rank - 1)[rank - 1])
    nearer = samples < threshold  # a tie counts as no nearer
    s = int(nearer.sum())
    return LowerTail(threshold, rank, n, nearer, proportion(s, m), float(_at_least(s, n, m, rank)))


def detectable(tail: LowerTail, level: float) -> int | None:
    """The fewest nearer samples that would have had a p-value of at most `level`; None where even all would not."""
    m = len(tail.nearer)
    enough = _at_least(np.arange(1, m + 1), tail.n_held, m, tail.rank) <= level
    return int(enough.argmax()) + 1 if enough.any() else None


def _at_least(s: Any, n: int, m: int, rank: int) -> Any:
    """The probability of s or more of m samples before the rank-th of n held-out images, all orders equally likely."""
    from scipy.stats import hypergeom

    # that is, of at least s samples among the first s + rank - 1 of all
    return hypergeom.sf(s - 1, n + m, m, s + rank - 1)


@dataclass(frozen=True)
class DataCopying:
    """C_T: far below 0 for copies, above it for samples farther from the training images than held-out ones.

    `p` is that of so low a value; `cells` of those given hold enough samples to count.
    """

    value: float
    p: float
    cells: int


def data_copying(
    held_out: np.ndarray, samples: np.ndarray, held_out_cells: np.ndarray, sample_cells: np.ndarray
) -> DataCopying | None:
    """C_T of Meehan, Chaudhuri and Dasgupta (2020), from distances to the nearest training image *of the same cell*.

    In each cell, Mann and Whitney's U of the samples' (M,) against the held-out distances (N,) as a z-score; their mean
    is weighted by the cells' shares of held-out images. Cells with at most 20 samples do not count, as in the authors'
    code; nor do those without held-out images or with no training image, where distances are infinite. Within
    cells the z-scores are independent standard normal under the null, so that p comes from their weights; Mann and
    Whitney's variance is for untied distances, a cautious one for tied. None where no cell counts.
    """
    from scipy.stats import norm

    weights, scores = [], []
    for cell in np.unique(sample_cells):
        mine, theirs = samples[sample_cells == cell], held_out[held_out_cells == cell]
        if len(mine) > FEWEST and len(theirs) and np.isfinite(mine).all():
            weights.append(len(theirs))
            scores.append(_mann_whitney(mine, theirs))
    if not weights:
        return None
    value = float(np.average(scores, weights=weights))
    error = math.sqrt(sum(w * w for w in weights)) / sum(weights)
    return DataCopying(value, float(norm.cdf(value / error)), len(weights))


def _mann_whitney(samples: np.ndarray, held_out: np.ndarray) -> float:
    """How often a sample is farther than a held-out image, as a z-score with the continuity correction."""
    from scipy.stats import rankdata

    m, n = len(samples), len(held_out)
    u = rankdata(np.concatenate([samples, held_out]))[:m].sum() - m * (m + 1) / 2
    return float((u - n * m / 2 + 0.5) / math.sqrt(n * m * (n + m + 1) / 12))


def authenticity(distances: np.ndarray, others: np.ndarray) -> Estimate:
    """The share of authentic samples (Alaa et al. 2022), AuthPct, with Wilson's interval.

    A sample at distance (M,) from its nearest training image is authentic where that image has another training image
    nearer, at distance `others` (M,).
    """
    return proportion(int((others < distances).sum()), len(distances))
