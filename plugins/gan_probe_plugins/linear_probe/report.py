"""The probe's tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure, Report, Table
from gan_probe.measures.intervals import paired_difference, wilson
from gan_probe.report.figures import confusion_chart, interval_chart, unwritten
from gan_probe_plugins.linear_probe.few import few_chart, few_differences, few_labels
from gan_probe_plugins.linear_probe.findings import findings
from gan_probe_plugins.linear_probe.measures import measures
from gan_probe_plugins.linear_probe.paragraph import paragraph
from gan_probe_plugins.linear_probe.published import published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report import Cell
    from gan_probe_plugins.linear_probe.ladder import Ladder
    from gan_probe_plugins.linear_probe.probe import Outcome, Probe

PERCENT = dict.fromkeys(("accuracy", "low", "high"), ".1%")
FORMATS = PERCENT | {"validation": ".1%", "C": "g", "n_train": ",", "n_test": ",", "dimensions": ","}


def report(ladder: Ladder) -> Report:
    """Tables and pictures: accuracies with intervals, differences to the baselines, by layer, class and labels."""
    truth, classes = ladder.world.truth, ladder.world.classes
    tables: list[Table] = []
    figures: list[Figure] = []
    if ladder.probes:
        tables, figures = _with_all_labels(ladder.probes, ladder.alone, truth, classes)
    if ladder.few:
        with_few, differences = few_labels(ladder.few, truth), few_differences(ladder.few)
        tables += [with_few, *differences]
        figures.append(few_chart(ladder.few, ladder.probes, truth))
    if ladder.trials:
        tables.append(_trials(ladder))
    tables += published(ladder)
    notes = [*ladder.notes, *_warnings(ladder, truth)]
    return Report(
        findings=findings(tables),
        tables=tables,
        figures=figures,
        measures=measures(ladder),
        methods=paragraph(ladder),
        notes=notes,
    )


def _with_all_labels(
    probes: Sequence[Probe], alone: Sequence[Probe], truth: np.ndarray, classes: tuple[str, ...]
) -> tuple[list[Table], list[Figure]]:
    main, *controls = probes
    accuracy = Table(
        "accuracy",
        [_row(p, truth) for p in probes],
        title="Test accuracy",
        caption="Linear L2-SVM, one against the rest. Intervals: 95 %, Wilson, over test images; the draw of the "
        "training images is not part of them. " + main.choice("on held-out training images; the fit shown is on all"),
        formats=FORMATS,
    )
    layers = Table(
        "layers",
        [{k: v for k, v in _row(p, truth).items() if k != "validation"} for p in alone],
        title="Accuracy by layer",
        caption=f"One layer's features at a time, at C = {main.C:g} as for all together. Intervals: 95 %, Wilson.",
        formats={k: v for k, v in FORMATS.items() if k != "validation"},
    )
    by_class = _by_class(main, truth, classes)
    sizes = f"{main.n_train:,} training and {len(truth):,} test images"
    others = "Controls: all rows but the first." if controls else "No control was asked for."
    above = "The controls stand under test accuracy, over all classes." if controls else others
    shown = [str(row["class"]) for row in by_class.rows]
    figures = [
        _intervals("accuracies", "features", accuracy, f"95 % Wilson intervals; {sizes}. {others}"),
        _intervals(
            "classes", "class", by_class, f"{main.name}, 95 % Wilson intervals; {sizes}. {above}{unwritten(shown)}"
        ),
        Figure(
            "confusion",
            confusion_chart(_confusion(main.predictions, truth, len(classes)), classes),
            title="Confusion matrix",
            caption=f"{main.name}: percentages of each true class (rows) by the class predicted; {sizes}. Intervals of "
            f"the diagonal: accuracy by class. {above}{unwritten(classes)}",
            alt="Matrix of true against predicted classes.",
        ),
    ]
    if alone:
        figures.insert(1, _intervals("layers", "features", layers, f"{layers.caption} {sizes.capitalize()}. {above}"))
    return [accuracy, *_differences(main, controls, truth), *([layers] if alone else []), by_class], figures


def _trials(ladder: Ladder) -> Table:
    return Table(
        "supervised-trials",
        [
            {
                "labels": n,
                "learning rate": trial.learning_rate,
                "weight decay": trial.weight_decay,
                "dropout": trial.dropout,
                "batch": trial.batch_size,
                "epochs": trial.epochs,
                "validation": trial.validation,
                "chosen": chosen,
            }
            for n, trial, chosen in ladder.trials
        ],
        title="The supervised network's random search",
        caption="Each row a trial: the discriminator's architecture with a softmax, from random weights. Epochs: those "
        "that reached the highest validation accuracy first. The chosen trial was trained anew on all labels.",
        formats={"labels": ",", "learning rate": ".2g", "weight decay": ".2g", "validation": ".1%"},
    )


def _row(probe: Probe, truth: np.ndarray) -> dict[str, Cell]:
    right = int((probe.predictions == truth).sum())
    low, high = wilson(right, len(truth))
    return {
        "features": probe.name,
        "accuracy": right / len(truth),
        "low": low,
        "high": high,
        "n_train": probe.n_train,
        "n_test": len(truth),
        "C": probe.C,
        "dimensions": probe.dimensions,
        "validation": probe.validation,
    }


def _differences(main: Probe, controls: Sequence[Probe], truth: np.ndarray) -> list[Table]:
    if not controls:
        return []
    rows: list[dict[str, Cell]] = []
    for control in controls:
        difference, low, high = paired_difference(main.predictions == truth, control.predictions == truth)
        rows.append(
            {
                "comparison": f"{main.name} minus {control.name}",
                "difference": difference,
                "low": low,
                "high": high,
                "n_test": len(truth),
            }
        )
    return [
        Table(
            "differences",
            rows,
            title="Against the controls",
            caption="Difference of accuracies on the same test images. Intervals: 95 %, Bonett-Price adjusted Wald for "
            "paired proportions, over test images: one draw of training images and one of random weights.",
            formats=dict.fromkeys(("difference", "low", "high"), "+.1%") | {"n_test": ","},
        )
    ]


def _by_class(main: Probe, truth: np.ndarray, classes: tuple[str, ...]) -> Table:
    rows: list[dict[str, Cell]] = []
    for k in np.unique(truth):
        n = int((truth == k).sum())
        right = int((main.predictions[truth == k] == k).sum())
        low, high = wilson(right, n)
        rows.append({"class": classes[k], "accuracy": right / n, "low": low, "high": high, "n_test": n})
    return Table(
        "classes",
        rows,
        title="Accuracy by class",
        caption=f"{main.name}: share of each class' test images named rightly. Intervals: 95 %, Wilson.",
        formats=PERCENT | {"n_test": ","},
    )


def _intervals(name: str, column: str, table: Table, caption: str) -> Figure:
    names, values, lows, highs = zip(
        *(
            (str(row[column]), _number(row["accuracy"]), _number(row["low"]), _number(row["high"]))
            for row in table.rows
        ),
        strict=True,
    )
    best = int(np.argmax(values))
    return Figure(
        name,
        interval_chart(names, values, lows, highs, xlabel="test accuracy", spec=".1%"),
        title=table.title,
        caption=caption,
        alt=f"{table.title}: the highest is {names[best]} at {values[best]:.1%}.",
    )


def _number(cell: Cell) -> float:
    return float(cell or 0)


def _confusion(predictions: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    matrix = np.zeros((classes, classes), dtype=np.int64)  # (true, predicted)
    np.add.at(matrix, (truth, predictions), 1)
    return matrix


def _warnings(ladder: Ladder, truth: np.ndarray) -> list[str]:
    chance = np.bincount(truth).max() / len(truth)
    notes = [f"Always naming the commonest class would score {chance:.1%} on these test images."]
    outcomes: list[Outcome] = [*ladder.probes, *ladder.alone, *ladder.few]
    if loose := [outcome.name for outcome in outcomes if not outcome.converged]:
        notes.append(
            f"The solver stopped before it had converged on: {', '.join(loose)}. Read their figures with care."
        )
    edges = (min(ladder.protocol.grid), max(ladder.protocol.grid))
    # controls too: one that was held back by the grid would flatter the trained network
    if at_edge := [
        f"{p.name} (C = {p.C:g})" for p in outcomes if p.validation is not None and p.C is not None and p.C in edges
    ]:
        named = ", ".join(dict.fromkeys(at_edge))  # with few labels again, under the same name
        notes.append(f"Chosen at the edge of the grid, so a wider --c may do better: {named}.")
    return notes
