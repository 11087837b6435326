"""Accuracies with a few labels of each class: a table, the differences to the baselines, and the curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure, Table
from gan_probe.measures.intervals import crossed_mean, spread, wilson
from gan_probe.report.figures import curve_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report import Cell
    from gan_probe_plugins.linear_probe.probe import Draws, Probe

PERCENT = dict.fromkeys(("accuracy", "low", "high", "spread", "validation"), ".1%")
WHOLE = dict.fromkeys(("labels per class", "draws", "n_test"), ",")
INTERVAL = (
    "95 %, of the mean, over draws of the training images and over test images (two-way random effects; widened for "
    "draws that share images, Nadeau and Bengio 2003)"
)


def few_labels(few: Sequence[Draws], truth: np.ndarray) -> Table:
    """The mean accuracy over draws of so many labels, its interval, and the spread of single draws."""
    rows: list[dict[str, Cell]] = []
    for found in few:
        mean, low, high = _accuracy(found)
        rows.append(
            {
                "features": found.name,
                "labels per class": found.labels_per_class,
                "accuracy": mean,
                "low": low,
                "high": high,
                "spread": spread(found.right.mean(1)),
                "draws": len(found.right),
                "n_train": found.n_train,
                "n_test": len(truth),
                "C": found.C,
                "dimensions": found.dimensions,
                "validation": found.validation,
            }
        )
    return Table(
        "few-labels",
        rows,
        title="Test accuracy with few labels",
        caption=f"Mean over random draws of the labelled images. Intervals: {INTERVAL}. Spread: 1.96 standard "
        f"deviations of single draws, as the paper prints it. {few[0].choice('by the mean over other draws')}",
        formats=PERCENT | WHOLE | {"C": "g", "n_train": ",", "dimensions": ","},
    )


def _accuracy(found: Draws) -> tuple[float, float, float]:
    """The mean over draws and its interval, within what an accuracy can be: nothing true is cut off."""
    mean, low, high = crossed_mean(found.right, overlap=found.overlap)
    return mean, max(0.0, low), min(1.0, high)


def few_differences(few: Sequence[Draws]) -> list[Table]:
    """The first feature set's accuracies less the others', draw by draw on the same labels and test images."""
    main = few[0].name
    own = {found.labels_per_class: found for found in few if found.name == main}
    rows: list[dict[str, Cell]] = []
    for other in few:
        if other.name == main:
            continue
        mine = own[other.labels_per_class]
        shared = min(len(mine.right), len(other.right))
        gained = mine.right[:shared].astype(np.int8) - other.right[:shared].astype(np.int8)
        difference, low, high = crossed_mean(gained, overlap=mine.overlap)
        rows.append(
            {
                "comparison": f"{main} minus {other.name}",
                "labels per class": other.labels_per_class,
                "difference": difference,
                "low": low,
                "high": high,
                "draws": shared,
                "n_test": other.right.shape[1],
            }
        )
    if not rows:
        return []
    return [
        Table(
            "few-label-differences",
            rows,
            title="Against the baselines, with few labels",
            caption=f"Differences of accuracies on the same draws and test images. Intervals: {INTERVAL}.",
            formats=dict.fromkeys(("difference", "low", "high"), "+.1%") | WHOLE,
        )
    ]


def few_chart(few: Sequence[Draws], probes: Sequence[Probe], truth: np.ndarray) -> Figure:
    """Accuracy against the number of labelled images, a line for each feature set; all labels end the line."""
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for found in few:
        lines.setdefault(found.name, []).append((float(found.n_train), *_accuracy(found)))
    for probe in probes:
        right = int((probe.predictions == truth).sum())
        if probe.name in lines:
            lines[probe.name].append((float(probe.n_train), right / len(truth), *wilson(right, len(truth))))
    return Figure(
        "few-labels",
        curve_chart(lines, xlabel="labelled training images", ylabel="test accuracy", spec=".1%"),
        title="Accuracy by number of labels",
        caption=f"Mean accuracy on {len(truth):,} test images over {len(few[0].right)} random draws of the labelled "
        f"images{' (all: one fit)' if probes else ''}. Intervals: {INTERVAL}{'; all: Wilson' if probes else ''}. "
        f"{'Controls: the other lines.' if len(lines) > 1 else 'No control was asked for.'}",
        alt=f"{few[0].name} reaches {few[0].right.mean():.1%} with {few[0].n_train:,} labels.",
    )
