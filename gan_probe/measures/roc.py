"""Areas under the ROC curve (AUC) of many scores at once."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

from gan_probe.errors import BadInputError
from gan_probe.measures.linearised import Linearised

BLOCK = 32  # scores ranked at once


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


def areas(scores: np.ndarray, targets: np.ndarray) -> tuple[Linearised, np.ndarray]:
    """The area of each of the scores (N, F) for the target (N, F) bool beside it, and p-values (F,).

    What each image adds is from the placement values of DeLong et al. (1988). The test is Mann-Whitney's, of an area
    above 1/2 against none, one-sided, normal, with its correction for ties. BadInputError as for `all_areas`.
    """
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
    return Linearised(values, influence), p


def _having(targets: np.ndarray) -> np.ndarray:
    having: np.ndarray = targets.sum(axis=0, dtype=np.int64)
    if not len(targets) or having.min(initial=1) < 1 or having.max(initial=0) >= len(targets):
        raise BadInputError("an area under the ROC curve needs images with the target and images without")
    return having
