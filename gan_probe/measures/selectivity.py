"""How well single scores, such as a filter's highest activation, tell one target from all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.measures.enrichment import enrichment
from gan_probe.measures.holm import holm
from gan_probe.measures.roc import all_areas, areas

if TYPE_CHECKING:
    import numpy as np

    from gan_probe.measures.linearised import Linearised


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Each score's best target (F,), its area on the images that chose it (F,), and what the other images say.

    `areas` under the ROC curve and `enrichment` are of those other images, free of the luck of the choice: where
    nothing is to be told they are 1/2 and 0 on average. `p` (F,) tests the areas, behind Holm's correction over all F.
    """

    target: np.ndarray
    chosen_by: np.ndarray
    areas: Linearised
    enrichment: Linearised
    p: np.ndarray


def selectivity(scores: np.ndarray, targets: np.ndarray, choosing: np.ndarray, top: int) -> Selectivity:
    """Choose each score's best of T targets (N, T) bool on the images of `choosing` (N,) bool, judge it on the others.

    `scores` are (N, F); the best target has the largest area; enrichment is among the `top` highest scores. Raises
    BadInputError for a target that all images of a part have, or none.
    """
    found = all_areas(scores[choosing], targets[choosing])  # (F, T)
    target = found.argmax(axis=1)
    judged, own = scores[~choosing], targets[~choosing][:, target]
    area, p = areas(judged, own)
    return Selectivity(target, found.max(axis=1), area, enrichment(judged, own, top), holm(p))
