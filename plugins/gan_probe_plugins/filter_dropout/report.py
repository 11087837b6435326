"""The tables and pictures of the experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gan_probe import Artifact, Report
from gan_probe_plugins.filter_dropout import pictures, tables

if TYPE_CHECKING:
    from gan_probe_plugins.filter_dropout.experiment import Experiment


def report(done: Experiment) -> Report:
    """What went, what stayed, and how the maps were chosen."""
    model, layer, located = done.model, done.layer, done.located
    chosen = " (the second highest convolution, the output not counted)" if done.options.layer is None else ""
    notes = [
        f"The maps are those of {layer.name}{chosen}: {layer.channels} of {layer.size}x{layer.size} positions. The "
        "paper's 'second highest' is ambiguous: as 200 maps were dropped, the highest, of 128, cannot have been meant.",
        f"Boxes: {located.how}; a quarter of these samples was held out of the regression.",
        f"Logistic regression over {model.n:,} positions, half of them in boxes; maps divided by their standard "
        f"deviation, a quadratic penalty. {model.positive} of {layer.channels} weights are above zero.",
        "A map is dropped by setting it to 0 behind its activation, at all positions.",
        *done.notes,
    ]
    if done.detectors is None:
        notes.append(
            "Without data with known boxes there is no independent judge: whether the object is gone is judged by the "
            "regression that chose the maps, and by eye. Pass --data with known boxes to have one."
        )
    weights = {"layer": layer.name, "maps": model.order.tolist(), "weights": model.weights[model.order].tolist()}
    return Report(
        tables=tables.tables(done),
        figures=pictures.figures(done),
        artifacts=[Artifact("maps.json", json.dumps(weights).encode(), "the layer's maps, the strongest first")],
        notes=notes,
    )
