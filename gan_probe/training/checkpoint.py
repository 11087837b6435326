"""From data to a checkpoint file with its report beside it."""

from __future__ import annotations

import dataclasses
import warnings
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.dcgan import SIZES
from gan_probe.disk import check_writable
from gan_probe.duplicates.keeplist import read_keep_list
from gan_probe.errors import BadInputError, OutputError
from gan_probe.feature_space import open_or_pixels, open_space
from gan_probe.provenance import provenance
from gan_probe.report.folder import ReportFolder
from gan_probe.report.model import RunReport
from gan_probe.training.board import TensorBoard
from gan_probe.training.distributed import Group
from gan_probe.training.grids import SampleGrids
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train
from gan_probe.training.monitor import SAMPLES, Monitor
from gan_probe.training.record import machine, record
from gan_probe.training.report import training_report
from gan_probe.training.source import choose_source
from gan_probe.training.state import DivergedError
from gan_probe.training.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from gan_probe.data import Data
    from gan_probe.gan import GAN, Card
    from gan_probe.report.model import Report
    from gan_probe.training.history import History
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
    feature_space: str = "default",
    keeping: Keeping | None = None,
    resume: bool = False,
    interruption: AbstractContextManager[Callable[[], bool]] | None = None,
    tensorboard: bool = False,
    keep_list: Path | None = None,
    group: Group | None = None,
) -> GAN:
    """Train on the data's training split; write the checkpoint `out` and, beside it, the report `<stem>-training/`.

    Channels are the data's; a recipe without image size gets the smallest of `dcgan.SIZES` that is not below the
    data's. `source` is what opens the data again, a name or a path; the card keeps it. Variety, on which
    the verdict rests, is judged in pixels; samples are measured in the feature space of that name. Before training,
    OutputError if `out` or the report cannot be written or, without `force`, exist.

    `keeping` says what is saved as training goes; with `resume` it goes on from there, or begins where nothing is.
    Within `interruption` the function that it gives is asked after every step whether to stop: StoppedError then.
    Raises BadInputError where the training that is there had another recipe, seed or data, and where this one
    diverges; the message names the last good checkpoint, and the report is that of the training so far. `tensorboard`
    writes its events into `<stem>-training/events`. Of the training split only the images of a `keep_list` are used,
    and the card names it; BadInputError where it is one of another set.
    Of the processes of a `group` the first writes.
    """
    out = Path(out)
    beside = out.with_name(f"{out.stem}-training")
    group = group or Group()
    first = group.rank == 0
    thinned, used = {}, []
    if keep_list is not None:
        kept, thinned["keep_list"] = read_keep_list(keep_list, data.train)
        used.append(f"Of {len(data.train):,} images the {len(kept):,} on the keep-list {keep_list.name} were used.")
        data = dataclasses.replace(data, train=kept)
    begun = bool(states(beside))
    # what is finished and has no states, of an earlier version perhaps, is replaced only by force
    replaces = force or (resume and (begun or not (out.exists() or (beside / "report.json").exists())))
    if first:
        if begun and not (resume or force):
            raise OutputError(f"{beside} holds a training already: pass --resume to go on, or --force to begin anew")
        check_writable(out, replaces)
    board = TensorBoard(beside / "events") if tensorboard and first else None
    with ExitStack() as stack:
        folder = stack.enter_context(ReportFolder(beside, replaces)) if first else None
        if first and resume and not begun:
            warnings.warn(f"{beside} holds nothing to resume: training begins", stacklevel=2)
        ctx = Context(seed=seed, device=device)
        if progress is not None:
            ctx = dataclasses.replace(ctx, progress=progress)
        size, channels = data.train.native_shape()
        size = recipe.image_size or next((known for known in SIZES if known >= size), SIZES[-1])
        recipe = dataclasses.replace(recipe, image_size=size)
        images = choose_source(data.train, size, channels, epochs=recipe.epochs, progress=ctx.progress)
        grids, rng = SampleGrids(recipe.epochs, ctx.rng("sample grids")), ctx.rng("monitor")
        pixels = open_space("pixels", size, channels)
        measured_in = open_or_pixels(feature_space, size, channels, device=device)
        monitor = Monitor(images.sample(2 * SAMPLES, rng)[0], rng, pixels, measured_in)
        identity = dataclasses.asdict(recipe)
        if not recipe.decay_epochs:  # with a decay, the rate of earlier epochs depends on how many there are
            del identity["epochs"]
        identity |= {
            "seed": seed,
            "images": images.identity,
            "classes": list(images.classes),
        }

        def trained(card: Card, **more: Any) -> Card:
            trained_on = {"name": data.name, "split": data.train.name, "fingerprint": images.fingerprint, **thinned}
            return dataclasses.replace(
                card,
                name=out.stem,
                training_data=source or data.name,
                training=card.training | {"data": trained_on} | more,
                licence=licence,
            )

        def described(gan: GAN, history: History, diverged: int | None = None) -> Report:
            verdict = judge(history.rows, monitor.looks, monitor.reference, diverged)
            gan.card = trained(gan.card, verdict=verdict.to_dict())
            return training_report(history, gan, grids, monitor, verdict, (*used, *images.notes))

        def run_report(gan: GAN) -> RunReport:
            run = provenance(command, seed, device, data.name) | {"images": [images.record()]}
            return RunReport(gan.card.to_dict(), run)

        stop = stack.enter_context(interruption or nullcontext(lambda: False))
        if board:
            stack.enter_context(board)
        keeper = Keeper(
            beside,
            keeping or Keeping(),
            identity,
            described=trained,
            stop=lambda: group.any(stop()),
            resume=resume,
            writes=first,
        )
        try:
            gan, history = train(
                images,
                recipe,
                seed=seed,
                device=device,
                progress=progress,
                on_epoch=grids if first else None,
                on_step=monitor if first else None,
                on_row=board,
                keeper=keeper,
                parts={"sample grids": grids, "monitor": monitor},
                group=group,
            )
        except DivergedError as error:
            message = f"{error}; the last good checkpoint is {states(beside)[-1]}"
            if folder is not None:
                state = error.state
                if state.measured:
                    state.close_row(state.seconds, min(recipe.batch_size, len(images)))
                gan = state.gan
                training = record(state, recipe, len(images), seed, machine(device, group.world))
                for absent in ("weights", "batch_norm"):  # it has no result
                    del training[absent]
                gan.card = dataclasses.replace(gan.card, training=training)
                report = described(gan, state.history, diverged=state.step)
                folder.add(run_report(gan), dataclasses.replace(report, status="failed", error=message))
            raise BadInputError(message) from error
        if folder is None:
            return gan
        # once more, by the statistics that the checkpoint holds
        grids(recipe.epochs, gan)
        monitor.look(gan.card.training["steps"], gan)
        report = described(gan, history)
        save_checkpoint(gan, out)
        folder.add(run_report(gan), report)
    return gan
