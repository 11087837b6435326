"""Confidence intervals, each named by its method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion; fractions (low, high) (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


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
