"""Confidence intervals, each named by its method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the name of the interval's method."""

    value: float
    low: float
    high: float
    method: str


def proportion(successes: int, n: int) -> Estimate:
    """A proportion with Wilson's interval."""
    return Estimate(successes / n, *wilson(successes, n), "Wilson")


def normal(value: float, error: float, method: str) -> Estimate:
    """A value with 1.96 standard errors on either side; `method` names where those come from."""
    return Estimate(value, value - 1.96 * error, value + 1.96 * error, method)


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion; fractions (low, high) (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def none_in(n: int) -> Estimate:
    """The rate of an event that was not seen once in n units, with Garwood's interval of a Poisson rate (1936)."""
    from scipy.stats import chi2

    return Estimate(0.0, 0.0, float(chi2.ppf(0.975, 2)) / 2 / n, "Garwood, of none")


def paired_difference(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """The difference of two proportions seen on the same n items, as (difference, low, high).

    `first` and `second` are (N,) bool: whether each item came out right under the one and under the other. The interval
    is Bonett and Price's adjusted Wald (2012): Laplace-adjusted discordant proportions, clipped to [-1, 1].
    """
    from scipy.stats import norm

    n = len(first)
    gained = int((first & ~second).sum())
    lost = int((~first & second).sum())
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = float(norm.ppf(0.5 + confidence / 2)) * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    centre = up - down
    return (gained - lost) / n, max(-1.0, centre - half), min(1.0, centre + half)


def paired_ratio(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """The ratio of two proportions seen on the same n items, as (ratio, low, high): that of `first` over `second`.

    Both are (N,) bool. The interval is Bonett and Price's hybrid (2006): the ratio of the ends of two Wilson intervals,
    at the confidence at which it is as wide as pairs ask for. Items on which neither holds say nothing of it. It is
    never without a width; where `first` holds nowhere it begins at 0. Raises BadInputError where `second` does.
    """
    from scipy.stats import norm

    above, below, n = int(first.sum()), int(second.sum()), int((first | second).sum())
    if below == 0:
        raise BadInputError("there is no ratio to a share of zero")
    apart = math.sqrt(((first ^ second).sum() + 2) / ((above + 1) * (below + 1)))  # standard errors of logarithms
    alone = sum(math.sqrt((1 - (count + 1) / (n + 2)) / (count + 1)) for count in (above, below))
    each = 2 * float(norm.cdf(norm.ppf(0.5 + confidence / 2) * apart / alone)) - 1
    (low, high), (least, most) = wilson(above, n, each), wilson(below, n, each)
    return above / below, low / most, high / least


def t_mean(values: np.ndarray, confidence: float = 0.95, *, overlap: float = 0.0) -> tuple[float, float, float]:
    """Student's interval of the mean over draws, as (mean, low, high).

    `values` are (R,) results of R random draws, or differences of two results on the same draws. Where the draws are
    training sets from one pool, scored on the same test images, they are independent *given* pool and images: the
    interval is one of the expected result of a draw from this pool on these images, and says nothing of other images.

    `overlap`, the share of the pool that a draw takes, widens it to draws from the population behind the pool, still on
    these images (Nadeau and Bengio 2003); that is cautious: it covers more often than it says. Raises BadInputError for
    fewer than two draws, and for an overlap outside [0, 1).
    """
    from scipy.stats import t

    n = len(values)
    _check_draws(n, overlap)
    mean = float(values.mean())
    error = float(values.std(ddof=1)) * math.sqrt(1 / n + overlap / (1 - overlap))
    half = float(t.ppf(0.5 + confidence / 2, n - 1)) * error
    return mean, mean - half, mean + half


def crossed_mean(scores: np.ndarray, confidence: float = 0.95, *, overlap: float = 0.0) -> tuple[float, float, float]:
    """The mean over draws and items that both stand for others, as (mean, low, high).

    `scores` are (R, N): draw r's score on item n, such as whether a classifier trained on draw r is right on test image
    n, or by how much two classifiers trained on the same draw differ there (-1, 0, 1). The interval is one of the
    expected score of a new draw on a new item: the two-way random-effects variance, each part estimated from its mean
    square, with Satterthwaite's degrees of freedom. `overlap` as for `t_mean`: it matters where items are many and
    draws take a large part of their pool. Raises BadInputError for fewer than two draws or items, or such an overlap.
    """
    import numpy as np
    from scipy.stats import t

    draws, items = scores.shape
    _check_draws(min(draws, items), overlap)
    rows, columns = scores.mean(1, dtype=np.float64), scores.mean(0, dtype=np.float64)
    mean = float(rows.mean())
    of_draws = items * float(rows.var(ddof=1))  # mean squares
    of_items = draws * float(columns.var(ddof=1))
    total = float(np.square(scores, dtype=np.float64).sum()) - draws * items * mean**2
    freedom = (draws - 1) * (items - 1)
    rest = max(0.0, (total - (draws - 1) * of_draws - (items - 1) * of_items) / freedom)
    of_draws *= 1 + draws * overlap / (1 - overlap)
    # the remainder is within both; by chance it may exceed either, which then alone is the variance
    joint = max(of_draws + of_items - rest, of_draws, of_items)
    if joint == 0:
        return mean, mean, mean
    noise = of_draws**2 / (draws - 1) + of_items**2 / (items - 1) + rest**2 / freedom
    # a difference of mean squares can leave fewer than either has
    degrees = max(joint**2 / noise, min(draws, items) - 1)
    half = float(t.ppf(0.5 + confidence / 2, degrees)) * math.sqrt(joint / (draws * items))
    return mean, mean - half, mean + half


def spread(values: np.ndarray) -> float:
    """1.96 standard deviations of single draws (R,), as the authors' release prints it after a mean.

    About 95 % of single draws lie so near to the mean; an interval of the mean is sqrt(R) times narrower (`t_mean`).
    """
    return 1.96 * float(values.std())


def _check_draws(n: int, overlap: float) -> None:
    if n < 2:
        raise BadInputError("an interval of a mean over draws needs at least two draws")
    if not 0 <= overlap < 1:
        raise BadInputError(f"draws of {overlap:g} of their pool have no interval: draw less than the whole pool")
