"""How far two checkpoints' numbers differ: the difference with its interval and p-value, by the values behind them.

Each kind of values has its own method, whose coverage and false alarms `tests/comparison/test_calibration.py` counts:

| values                 | paired                              | unpaired                        |
|------------------------|-------------------------------------|---------------------------------|
| 0 and 1                | Bonett-Price; exact McNemar         | Newcombe; Fisher's exact        |
| others                 | bootstrap-t or Student's; sign flip | Welch                           |
| replicates of a number | normal, by their differences        | normal, by both their variances |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.intervals import Estimate, normal, paired_difference, proportion, t_mean, wilson

if TYPE_CHECKING:
    from gan_probe.report import Measure

# Of fewer values the bootstrap knows too little, and of more the mean is normal whatever their distribution.
FEWEST, MOST = 20, 1000
RESAMPLES = 2000
FLIPS = 9999
EXACT = 13  # pairs, all of whose sign flips are tried
CHUNK = 1 << 22  # numbers drawn at a time


@dataclass(frozen=True)
class Difference:
    """The second number less the first, with its 95 % interval, the p-value of no difference, and both methods."""

    value: float
    low: float
    high: float
    p: float
    paired: bool
    interval: str
    test: str


def is_share(measure: Measure) -> bool:
    """Whether the number is a share of the units, by what it says of itself, else as each value is 0 or 1."""
    if measure.share is not None:
        return measure.share
    return measure.estimate is None and bool(np.isin(measure.values, (0, 1)).all())


def estimate(measure: Measure, rng: np.random.Generator, share: bool = False) -> Estimate:
    """The number with its 95 % interval over the units: Wilson's where it is a `share`."""
    values = measure.values
    if measure.estimate is not None:
        return normal(measure.estimate, float(values.std(ddof=1)), "normal, by replicates")
    if share:
        return proportion(int(values.sum()), len(values))
    return _mean(values, rng)


def difference(first: Measure, second: Measure, rng: np.random.Generator, share: bool = False) -> Difference:
    """The second less the first: paired, value by value, where their units agree, and unpaired otherwise.

    `share` says that both are shares: values of another kind may be 0 and 1 by chance.
    """
    a, b = first.values, second.values
    paired = bool(first.units) and first.units == second.units and len(a) == len(b)
    if first.estimate is not None and second.estimate is not None:
        variance = (b - a).var(ddof=1) if paired else a.var(ddof=1) + b.var(ddof=1)
        return _of_replicates(second.estimate - first.estimate, float(variance), paired)
    if share:
        return _paired_shares(a > 0, b > 0) if paired else _shares(a > 0, b > 0)
    return _paired_means(b - a, rng) if paired else _means(a, b)


def _of_replicates(value: float, variance: float, paired: bool) -> Difference:
    from scipy.stats import norm

    error = math.sqrt(variance)
    found = normal(value, error, "normal, by replicates")
    p = 2 * float(norm.sf(abs(value) / error)) if error else float(value == 0)
    return Difference(value, found.low, found.high, p, paired, found.method, "normal")


def _paired_shares(a: np.ndarray, b: np.ndarray) -> Difference:
    from scipy.stats import binomtest

    gained, lost = int((b & ~a).sum()), int((a & ~b).sum())
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return Difference(*paired_difference(b, a), p, True, "Bonett-Price", "McNemar, exact")


def _shares(a: np.ndarray, b: np.ndarray) -> Difference:
    """Newcombe's hybrid score interval of two independent proportions (1998, method 10)."""
    from scipy.stats import fisher_exact

    k, m = int(a.sum()), int(b.sum())
    p, q = k / len(a), m / len(b)
    (low_a, high_a), (low_b, high_b) = wilson(k, len(a)), wilson(m, len(b))
    low = q - p - math.hypot(q - low_b, high_a - p)
    high = q - p + math.hypot(high_b - q, p - low_a)
    test = fisher_exact([[k, len(a) - k], [m, len(b) - m]])
    return Difference(q - p, low, high, float(test.pvalue), False, "Newcombe", "Fisher, exact")


def _paired_means(differences: np.ndarray, rng: np.random.Generator) -> Difference:
    found = _mean(differences, rng)
    return Difference(found.value, found.low, found.high, _flipped(differences, rng), True, found.method, "sign flip")


def _means(a: np.ndarray, b: np.ndarray) -> Difference:
    from scipy.stats import ttest_ind

    value = float(b.mean() - a.mean())
    if min(len(a), len(b)) < 2 or a.var() + b.var() == 0:
        known = a.var() + b.var() == 0 and min(len(a), len(b)) > 1
        low, high = (value, value) if known else (-math.inf, math.inf)
        return Difference(value, low, high, float(not known or value == 0), False, "Welch", "Welch")
    test = ttest_ind(b, a, equal_var=False)
    interval = test.confidence_interval(0.95)
    return Difference(value, float(interval.low), float(interval.high), float(test.pvalue), False, "Welch", "Welch")


def _mean(values: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The mean with the interval that its distribution asks for: studentised bootstrap where it may be skewed."""
    n = len(values)
    mean, spread = float(values.mean()), float(values.std(ddof=1)) if n > 1 else 0.0
    if n < 2:
        return Estimate(mean, -math.inf, math.inf, "none: a single value")
    if spread == 0:
        return Estimate(mean, mean, mean, "none: all values are equal")
    if not FEWEST <= n <= MOST:
        return Estimate(*t_mean(values), "Student's t")
    t = np.empty(RESAMPLES)
    for start in range(0, RESAMPLES, step := max(1, CHUNK // n)):
        drawn = values[rng.integers(n, size=(min(step, RESAMPLES - start), n))]
        errors = drawn.std(axis=1, ddof=1) / math.sqrt(n)
        with np.errstate(divide="ignore", invalid="ignore"):  # a draw may hold one value alone
            t[start : start + step] = (drawn.mean(axis=1) - mean) / errors
    low, high = np.quantile(t[np.isfinite(t)], [0.025, 0.975]) * spread / math.sqrt(n)
    return Estimate(mean, mean - float(high), mean - float(low), "bootstrap-t")


def _flipped(differences: np.ndarray, rng: np.random.Generator) -> float:
    """How often pairs whose two values change places at random have a mean as far from 0: all ways, or 9,999."""
    n = len(differences)
    seen = abs(differences.sum()) - 1e-6 * np.abs(differences).sum()  # rounding must not make equal sums differ
    if n <= EXACT:
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float((np.abs(signs @ differences) >= seen).mean())
    extreme = 1  # the way that was seen
    single = differences.astype(np.float32)
    for start in range(0, FLIPS, step := max(1, CHUNK // n)):
        flipped = rng.integers(0, 2, size=(min(step, FLIPS - start), n), dtype=np.int8).astype(np.float32)
        extreme += int((np.abs(2 * (flipped @ single) - single.sum()) >= seen).sum())
    return extreme / (FLIPS + 1)
