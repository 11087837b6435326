"""How well single scores, such as a filter's highest activation, tell one target from all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_probe.measures.holm import holm
from gan_probe.measures.roc import Areas, all_areas, areas


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Each score's best target (F,), its area on the images that chose it (F,), and its areas on the other images.

    Only the latter are free of the luck of the choice: where nothing is to be told, they are 1/2 on average. `adjusted`
    (F,) are their p-values behind Holm's correction over all F scores.
    """

    target: np.ndarray
    chosen_by: np.ndarray
    areas: Areas
    adjusted: np.ndarray


def selectivity(scores: np.ndarray, targets: np.ndarray, choosing: np.ndarray) -> Selectivity:
    """Choose each score's best of T targets (N, T) bool on the images of `choosing` (N,) bool, judge it on the others.

    `scores` are (N, F); the best target has the largest area under the ROC curve. Raises BadInputError for a target
    that all images of a part have, or none.
    """
    found = all_areas(scores[choosing], targets[choosing])  # (F, T)
    target = found.argmax(axis=1)
    judged = areas(scores[~choosing], targets[~choosing][:, target])
    return Selectivity(target, found.max(axis=1), judged, holm(judged.p))
