"""The tables and pictures of the experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, Measure, Report
from gan_probe.report import quoted
from gan_probe.sampling import sample_units
from gan_probe_plugins.filter_dropout import pictures, tables
from gan_probe_plugins.filter_dropout.verdict import unjudged, verdicts

if TYPE_CHECKING:
    from gan_probe_plugins.filter_dropout.experiment import Experiment


def report(done: Experiment) -> Report:
    """What went, what stayed, and how the maps were chosen."""
    model, layer, located = done.model, done.layer, done.located
    chosen = " (the second highest convolution, the output not counted)" if done.options.layer is None else ""
    found = tables.tables(done)
    notes = [
        f"The maps are those of {layer.name}{chosen}: {layer.channels} of {layer.size}x{layer.size} positions. The "
        "paper's 'second highest' is ambiguous: as 200 maps were dropped, the highest, of 128, cannot have been meant.",
        f"Boxes: {located.how}; a quarter of these samples was held out of the regression.",
        f"Logistic regression over {model.n:,} positions, half of them in boxes; maps divided by their standard "
        f"deviation, a quadratic penalty. {model.positive} of {layer.channels} weights are above zero.",
        "A map is dropped by setting it to 0 after its activation, at all positions.",
        *done.notes,
    ]
    if done.detectors is None:
        notes.append(
            "Without data with known boxes there is no independent judge: whether the object is gone is judged by the "
            "regression that chose the maps, and by eye. Pass --data with known boxes to have one."
        )
    weights = {"layer": layer.name, "maps": model.order.tolist(), "weights": model.weights[model.order].tolist()}
    return Report(
        findings=(verdicts if done.detectors is not None else unjudged)(found, tables.rules(done), done.thing),
        tables=found,
        measures=_measures(done) if done.detectors is not None else [],
        figures=pictures.figures(done),
        artifacts=[Artifact("maps.json", json.dumps(weights).encode(), "the layer's maps, the strongest first")],
        methods=_methods(done),
        notes=notes,
    )


def _methods(done: Experiment) -> str:
    model, layer, options = done.model, done.layer, done.options
    dropped = " or ".join(f"the {name}" if name[0].isdigit() else name for name in tables.rules(done))
    judged = (
        "on held-out boxes by the regression itself"
        if done.detectors is None
        else f"by {len(done.detectors.judge.nets)} networks, trained on other images than the one that found the boxes"
    )
    return (
        f"As in section 6.3.1 of [@radford2016], a logistic regression over {model.n:,} positions of {layer.name} "
        f"({layer.channels} maps of {layer.size}x{layer.size}) told the inside of boxes of {quoted(done.thing)} from "
        f"the outside ({done.located.how}), and {dropped} maps by weight were set to 0. Whether the object is gone was "
        f"judged {judged}, and how far {options.samples:,} new samples move, by KID [@binkowski2018] in the feature "
        f"space {quoted(done.space.name)}; the control is {options.draws} draws of as many random maps. Intervals are "
        f"95 %: {_intervals(done)}."
    )


def _intervals(done: Experiment) -> str:
    said = "Student's over samples, the jackknife for KID, and two-way random effects where random maps are drawn"
    if done.detectors is None:
        return said
    falls = "Bonett and Price's [@bonett2006] for relative falls, linearised where random maps are drawn"
    return f"Wilson's [@wilson1927] for shares, {falls}; {said}"


def _measures(done: Experiment) -> list[Measure]:
    """Which new samples show the object without the strongest maps, and how much oftener without random ones."""
    chosen, random = done.outcomes[done.top]
    after = tables.seen(done, chosen)
    more = np.mean([tables.seen(done, outcome) for outcome in random], axis=0) - after
    units = f"{sample_units(done.gan, done.ctx)}, from {done.located.looked:,} on"
    without = f"Samples that show a {done.thing} without the {done.top} strongest maps"
    return [
        Measure("seen-without", after, without, "sample", units, better="lower", format=".1%"),
        Measure(
            "against-random",
            more,
            f"Samples that show a {done.thing} without {done.top} random maps less those without the strongest",
            "sample",
            units,
            better="higher",
            format=".1%",
        ),
    ]
