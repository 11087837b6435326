"""How much commoner a target is among the images that score highest than among all."""

from __future__ import annotations

import numpy as np

from gan_probe.measures.linearised import Linearised


def enrichment(scores: np.ndarray, targets: np.ndarray, top: int) -> Linearised:
    """Share of the target among the `top` highest of each of the scores (N, F), less its share among all N; -1..1.

    `targets` are (N, F) bool, one beside each of the scores; of equal scores the first come first. What an image adds
    is that of a share above a quantile: an image above it brings its target and pushes out one at the edge, whose
    chance of the target is read off `top` images around the edge.
    """
    n, columns = scores.shape
    values = np.empty(columns)
    influence = np.zeros((n, columns), np.float32)
    for f in range(columns):
        order, target = np.argsort(-scores[:, f], kind="stable"), targets[:, f].astype(np.float64)
        highest = order[:top]
        edge = target[order[top - top // 2 : top + -(-top // 2)]].mean()
        values[f] = target[highest].mean() - target.mean()
        influence[highest, f] = (target[highest] - edge) * (n / top)
        influence[:, f] -= influence[:, f].mean(dtype=np.float64) + target - target.mean()
    return Linearised(values, influence)
