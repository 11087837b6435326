"""Holm's correction of many tests' p-values."""

from __future__ import annotations

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values (N,), in the order given: below a level, a test is significant among all of them at that level.

    The chance of a single false alarm is at most that level however the tests depend on each other (Holm 1979).
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    factors = np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * p[order]))
    return adjusted
