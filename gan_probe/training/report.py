"""The report of a training: the verdict, losses and scores, the variety of samples, and samples as the epochs pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.report.animation import webp
from gan_probe.report.csv import to_csv
from gan_probe.report.figures import image_grid
from gan_probe.report.model import Artifact, Figure, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.gan import GAN
    from gan_probe.training.grids import SampleGrids
    from gan_probe.training.history import History
    from gan_probe.training.monitor import Monitor
    from gan_probe.training.verdict import Verdict

TABLE_ROWS = 20  # a page's worth; the artifact has them all


def training_report(
    history: History, gan: GAN, grids: SampleGrids, monitor: Monitor, verdict: Verdict, notes: Sequence[str] = ()
) -> Report:
    """Tables, figures and notes on a training that has ended, well or not; the verdict stands first.

    Of `gan` only the card is read.
    """
    training = gan.card.training
    tables, figures = [verdict.table(), history.loss_table(at_most=TABLE_ROWS)], []
    if history.rows:
        figures.append(history.loss_figure())
    steps = sorted(monitor.frames)
    film = webp([monitor.frames[step] for step in steps], [f"step {step:,}" for step in steps])
    artifacts = [
        Artifact("losses.csv", to_csv(history.loss_table()).encode(), "The losses, row by row."),
        Artifact("samples-over-training.webp", film, "The same latents over training, animated."),
    ]
    if monitor.looks:
        tables.append(monitor.measure_table())
        figures.append(monitor.signal_figure())
        looks = to_csv(monitor.signal_table()).encode()
        measures = to_csv(monitor.measure_table(intervals=True)).encode()
        artifacts += [
            Artifact("monitor.csv", looks, "The variety of samples at every look."),
            Artifact("measures.csv", measures, "Samples against training images, with 95% intervals."),
        ]
    batch = min(training["recipe"]["batch_size"], training["images"])
    speed = training["steps"] * batch / max(training["seconds"], 1e-9)
    words = verdict.words[0].upper() + verdict.words[1:]
    if astray := monitor.astray():  # the verdict is on the course of training, and says nothing of how good samples are
        words += f", {'but' if verdict.kind == 'steady' else 'and'} {astray}"
    taken = f"{training['steps']:,} step{'' if training['steps'] == 1 else 's'}"
    return Report(
        findings=[f"{words}. {taken}, each of {batch:,} of the {training['images']:,} training images."],
        tables=tables,
        figures=[*figures, *_samples(gan, grids)],
        artifacts=artifacts,
        notes=[
            f"Trained on {training['machine']} at {speed:,.0f} images a second, all told.",
            *([f"Begun with the weights of {training['from']['name']}."] if "from" in training else []),
            *([f"Batch norm: {training['batch_norm']}."] if "batch_norm" in training else []),
            *dict.fromkeys((*monitor.space.notes, *monitor.measured_in.notes, *monitor.notes)),
            *notes,
        ],
        name="training",
        title="Training",
        options=training["recipe"],
        plugin="gan-probe",
        seconds=training["seconds"],
    )


def _samples(gan: GAN, grids: SampleGrids) -> list[Figure]:
    epochs = sorted(grids.images)
    columns = grids.columns
    classes = f" Columns: {', '.join(gan.card.classes[:columns])}." if gan.card.classes else ""
    size = f"{gan.card.image_size} x {gan.card.image_size} pixels"
    last = grids.images[epochs[-1]]
    finished = "batch_norm" in gan.card.training
    rows = f"before training and after epochs {', '.join(map(str, epochs[1:]))}" if epochs[1:] else "before training"
    by = "above the last row, batch norm uses" if finished else "batch norm uses"
    return [
        Figure(
            "samples-over-training",
            image_grid(np.concatenate([grids.images[epoch][:columns] for epoch in epochs]), columns),
            title="Samples over training",
            caption=f"Rows: {rows}, the same latents in each; {by} the batch's own statistics.{classes}",
            alt=f"{len(epochs)} rows of {columns} generated images of {size}, from noise to the final samples.",
        ),
        Figure(
            "samples",
            image_grid(last, columns),
            title="Samples of the checkpoint" if finished else f"Samples after epoch {epochs[-1]}",
            caption=f"{len(last)} latents as drawn, none chosen.{classes}",
            alt=f"{len(last)} generated images of {size}.",
        ),
    ]
