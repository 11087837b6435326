"""The duplicate rate: how many samples of a set have another nearly equal to them, by the measure of real ones."""

from __future__ import annotations

import numpy as np

from gan_probe.measures.intervals import Estimate, wilson

SHARE = 0.01  # of the real samples, that count as duplicates by definition


def threshold(real: np.ndarray) -> float:
    """The squared distance that the nearest `SHARE` of real samples have to their nearest others (N,).

    A nearest distance shrinks with the number of samples: compare it with those of a set of the same size.
    """
    return float(np.quantile(real, SHARE, method="lower"))


def duplicate_rate(fake: np.ndarray, limit: float) -> Estimate:
    """The share of samples whose squared distance to their nearest other (M,) is at most `limit`.

    Among as many real samples it is about 1 %, by the threshold's making. Duplicates come in pairs at least, so that
    Wilson's interval is that of half as many samples.
    """
    n = len(fake)
    rate = float((fake <= limit).mean())
    half = max(1, n // 2)
    low, high = wilson(round(rate * half), half)
    return Estimate(rate, min(low, rate), max(high, rate), "Wilson, of pairs")
