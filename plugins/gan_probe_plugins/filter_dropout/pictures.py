"""The experiment in pictures: pairs of samples, the boxes, the dose curve, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure
from gan_probe.measures.intervals import crossed_mean, wilson
from gan_probe.report.figures import curve_chart, image_grid, interval_chart
from gan_probe_plugins.filter_dropout.tables import conditions, others, seen, share_with

if TYPE_CHECKING:
    from gan_probe_plugins.filter_dropout.experiment import Experiment

PAIRS = 10  # samples in a row
FRAME = (255, 0, 128)  # of boxes


def figures(done: Experiment) -> list[Figure]:
    """All of them; those that need a judge only where there is one."""
    return [pairs(done), *([doses(done), stays(done)] if done.detectors else []), boxes(done)]


def pairs(done: Experiment) -> Figure:
    """The first new samples that show the object, with and without the maps."""
    shown = np.arange(len(done.unchanged.pixels))
    which = "the first new samples"
    if done.detectors is not None:
        shown = shown[seen(done, done.unchanged)[: len(shown)]]
        which = f"the first new samples in which the judge sees a {done.thing}"
    shown = shown[:PAIRS] if len(shown) else np.arange(PAIRS)
    rows = [done.unchanged.pixels[shown]]
    names = ["as drawn"]
    for name, outcomes in conditions(done):
        rows.append(outcomes[0].pixels[shown])
        names.append(f"without {name}")
    return Figure(
        "pairs",
        image_grid(np.concatenate(rows), len(shown)),
        title=f"Forgetting: {done.thing}",
        caption=f"Columns: {which}, {len(shown)} of them, none chosen. Rows: {'; '.join(names)} maps of "
        f"{done.layer.name} (the first of {done.options.draws} random draws).",
        alt=f"Rows of the same {len(shown)} samples: {'; '.join(names)}.",
    )


def boxes(done: Experiment) -> Figure:
    """The first samples with boxes."""
    size = done.gan.card.image_size
    drawn = []
    for index, own in list(zip(done.located.indices, done.located.boxes, strict=True))[: 2 * PAIRS]:
        image = np.broadcast_to(done.samples.pixels[index], (size, size, 3)).copy()
        for x0, y0, x1, y1 in np.clip(np.rint(own).astype(int), 0, size):
            image[y0:y1, [x0, x1 - 1]] = FRAME
            image[[y0, y1 - 1], x0:x1] = FRAME
        drawn.append(image)
    return Figure(
        "boxes",
        image_grid(np.stack(drawn), PAIRS),
        title="The boxes",
        caption=f"{done.located.how.capitalize()}; the first {len(drawn)} of them.",
        alt=f"Samples with frames around what was taken for a {done.thing}.",
    )


def doses(done: Experiment) -> Figure:
    """The share of samples with the object, by the number of maps dropped."""
    table = []
    for count, (chosen, random) in sorted(done.outcomes.items()):
        table.append((count, seen(done, chosen), np.stack([seen(done, outcome) for outcome in random])))
    lines = {
        "strongest first": [(n, own.mean(), *wilson(int(own.sum()), len(own))) for n, own, _ in table],
        "random maps": [(n, *crossed_mean(many)) for n, _, many in table],
    }
    before = seen(done, done.unchanged)
    least = min(share for _, share, _, _ in lines["strongest first"])
    return Figure(
        "doses",
        curve_chart(
            lines, f"maps of {done.layer.name} dropped, of {done.layer.channels}", f"samples with a {done.thing}", ".0%"
        ),
        title=f"Samples that show a {done.thing}, by maps dropped",
        caption=f"By the independent judge, {len(before):,} new samples; {before.mean():.1%} show one as drawn. "
        f"{done.model.positive} maps have a positive weight. Intervals: 95 %, Wilson; for random maps, "
        f"the control, {done.options.draws} draws, two-way random effects.",
        alt=f"As the strongest maps go, the share falls from {before.mean():.0%} to {least:.0%}.",
    )


def stays(done: Experiment) -> Figure:
    """What share of the other objects stays."""
    (name, chosen), (control, random) = list(conditions(done))[:2]
    labels: list[str] = []
    bars: list[tuple[float, float, float]] = []
    for thing, k in others(done):
        for which, outcomes in ((name, chosen), (control, random)):
            share, _ = share_with(done, outcomes, k, before=True)
            if share is not None:
                labels.append(f"{thing}, without {which}")
                bars.append((share.value, share.low, share.high))
    values, lows, highs = zip(*bars, strict=True) if bars else ((), (), ())
    return Figure(
        "stays",
        interval_chart(labels, values, lows, highs, "share of samples that keep the object", ".1%"),
        title="What stays",
        caption="Of the new samples that show an object as drawn, the share that still does, by the independent judge; "
        f"sizes in the table. Intervals: 95 %, Wilson; for random maps, the control, Student's over "
        f"{done.options.draws} draws.",
        alt=f"Of the other objects, {min(values):.0%} to {max(values):.0%} stay." if values else "No other objects.",
    )
