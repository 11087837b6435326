"""From data to a checkpoint file with its report beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.dcgan import SIZES
from gan_probe.disk import check_writable
from gan_probe.feature_space import open_space
from gan_probe.gan import Card
from gan_probe.provenance import provenance
from gan_probe.report.folder import ReportFolder
from gan_probe.report.model import RunReport
from gan_probe.training.grids import SampleGrids
from gan_probe.training.loop import train
from gan_probe.training.monitor import SAMPLES, Monitor
from gan_probe.training.report import training_report
from gan_probe.training.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.training.recipe import Recipe


def train_checkpoint(
    data: Data,
    out: Path,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
    force: bool = False,
    command: str = "",
    source: str = "",
    licence: str = "",
    feature_space: str = "pixels",
) -> GAN:
    """Train on the data's training split; write the checkpoint `out` and, beside it, the report `<stem>-training/`.

    Channels are the data's; a recipe without image size gets the smallest of 16, 32, 64 and 128 that is not below
    the data's. `source` is what opens the data again, a name or a path; the card keeps it. Samples are monitored in
    the feature space of that name. Before training, OutputError if `out` or the report cannot be written or, without
    `force`, exist.
    """
    out = Path(out)
    check_writable(out, force)
    ctx = Context(seed=seed, device=device)
    if progress is not None:
        ctx = dataclasses.replace(ctx, progress=progress)
    size, channels = data.train.native_shape()
    size = recipe.image_size or next((known for known in SIZES if known >= size), SIZES[-1])
    recipe = dataclasses.replace(recipe, image_size=size)
    images = ctx.images(data.train, Card(out.stem, "gan-probe", size, channels))
    grids = SampleGrids(recipe.epochs, ctx.rng("sample grids"))
    rng = ctx.rng("monitor")
    space = open_space(feature_space, size, channels, device=device)
    monitor = Monitor(images.images[rng.permutation(len(images))[: 2 * SAMPLES]], rng, space)
    with ReportFolder(out.with_name(f"{out.stem}-training"), force) as folder:
        gan, history = train(
            images.images,
            recipe,
            labels=images.labels,
            classes=images.classes,
            seed=seed,
            device=device,
            progress=progress,
            on_epoch=grids,
            on_step=monitor,
        )
        # once more, by the statistics that the checkpoint holds
        grids(recipe.epochs, gan)
        monitor.look(gan.card.training["steps"], gan)
        verdict = judge(history.rows, monitor.looks, monitor.reference)
        trained_on = {"name": data.name, "split": data.train.name, "fingerprint": images.fingerprint}
        gan.card = dataclasses.replace(
            gan.card,
            name=out.stem,
            training_data=source or data.name,
            training=gan.card.training | {"data": trained_on, "verdict": verdict.to_dict()},
            licence=licence,
        )
        save_checkpoint(gan, out)
        run = provenance(command, seed, device, data.name) | {"images": ctx.loaded}
        report = training_report(history, gan, grids, monitor, verdict, images.notes)
        folder.add(RunReport(gan.card.to_dict(), run), report)
    return gan
