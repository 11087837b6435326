"""How a judge responds along an axis: rank correlations, rises, and means with their intervals."""

from __future__ import annotations

import numpy as np


def spearman(responses: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation (M,) of each row of responses (M, S) with its steps; 0 for a row that is constant."""
    from scipy.stats import rankdata

    ranks = rankdata(responses, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    steps = np.arange(responses.shape[1]) - (responses.shape[1] - 1) / 2
    sizes = np.sqrt(np.square(ranks).sum(1) * np.square(steps).sum())
    return np.asarray(np.divide(ranks @ steps, sizes, out=np.zeros(len(ranks)), where=sizes > 0))


def rises(responses: np.ndarray, slack: float) -> np.ndarray:
    """Whether each row of responses (M, S) ends higher than it begins, by more than `slack`, and never falls.

    A fall counts where a response lies below any earlier one by more than `slack`: small steps down cannot add up.
    """
    highest = np.maximum.accumulate(responses, axis=1)
    falls = (highest - responses).max(1) > slack
    return np.asarray(~falls & (responses[:, -1] - responses[:, 0] > slack))


def bootstrap_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int = 2000, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of each column of values (M, S) over its rows, with the percentile bootstrap's interval over rows.

    Returns mean, low, high, each (S,). The columns are resampled together.
    """
    n = len(values)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)  # (B, M): how often each row is drawn
    low, high = np.quantile(counts @ values / n, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return values.mean(0), low, high
