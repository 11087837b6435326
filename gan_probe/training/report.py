"""The report of a training: losses, scores, and samples as the epochs pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.report.csv import to_csv
from gan_probe.report.figures import image_grid
from gan_probe.report.model import Artifact, Figure, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.gan import GAN
    from gan_probe.training.grids import SampleGrids
    from gan_probe.training.history import History

TABLE_ROWS = 20  # a page's worth; the artifact has them all


def training_report(history: History, gan: GAN, grids: SampleGrids, notes: Sequence[str] = ()) -> Report:
    """Tables, figures and notes on a training that `loop.train` has ended."""
    training = gan.card.training
    table = history.loss_table(at_most=TABLE_ROWS)
    whole = Artifact("losses.csv", to_csv(history.loss_table()).encode(), "The losses, row by row.")
    return Report(
        tables=[table],
        figures=[history.loss_figure(), *_samples(gan, grids)],
        artifacts=[whole],
        notes=[f"Batch norm: {training['batch_norm']}.", *notes],
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
    return [
        Figure(
            "samples-over-training",
            image_grid(np.concatenate([grids.images[epoch][:columns] for epoch in epochs]), columns),
            title="Samples over training",
            caption=f"Rows: before training and after epochs {', '.join(map(str, epochs[1:]))}, the same latents in "
            f"each; above the last row, batch norm uses the batch's own statistics.{classes}",
            alt=f"{len(epochs)} rows of {columns} generated images of {size}, from noise to the final samples.",
        ),
        Figure(
            "samples",
            image_grid(last, columns),
            title="Samples of the checkpoint",
            caption=f"{len(last)} latents as drawn, none chosen.{classes}",
            alt=f"{len(last)} generated images of {size}.",
        ),
    ]
