"""From data to a checkpoint file with its report beside it."""

from __future__ import annotations

import dataclasses
import warnings
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.dcgan import SIZES
from gan_probe.disk import check_writable
from gan_probe.duplicates.keeplist import read_keep_list
from gan_probe.errors import BadInputError, OutputError, one_line
from gan_probe.feature_space import open_or_pixels, open_space
from gan_probe.report.folder import ReportFolder
from gan_probe.training.account import Account
from gan_probe.training.board import TensorBoard
from gan_probe.training.distributed import Group
from gan_probe.training.grids import SampleGrids
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train
from gan_probe.training.monitor import SAMPLES, Monitor
from gan_probe.training.record import in_force, machine, origin
from gan_probe.training.source import choose_source
from gan_probe.training.state import DivergedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.source import Source


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
    start: GAN | None = None,
    group: Group | None = None,
) -> GAN:
    """Train on the data's training split; write the checkpoint `out` and, beside it, the report `<stem>-training/`.

    Channels are the data's; a recipe without image size gets the smallest of `dcgan.SIZES` that is not below the
    data's. `source` is what opens the data again, a name or a path; the card keeps it. Variety, on which the verdict
    rests, is judged in pixels; samples are measured in the feature space of that name. Before training, OutputError if
    `out` or the report cannot be written or, without `force`, exist.

    `keeping` says what is saved as training goes; with `resume` it goes on from there, or begins where nothing is.
    Within `interruption` the function that it gives is asked after every step whether to stop: StoppedError then.
    Raises BadInputError where the training that is there had another recipe, seed or data, and where this one
    diverges; the message names the last good checkpoint, and the report is that of the training so far. `tensorboard`
    writes its events into `<stem>-training/events`. Of the training split only the images of a `keep_list` are used,
    and the card names it; BadInputError where it is one of another set.
    With `start` training goes on from that GAN's weights, at its image size and channels, and the card names it.
    Of the processes of a `group` the first writes.
    """
    out = Path(out)
    beside = out.with_name(f"{out.stem}-training")
    group = group or Group()
    first = group.rank == 0
    data, thinned, notes = _thinned(data, keep_list)
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
        if start:
            size, channels = start.card.image_size, start.card.channels
        else:
            size, channels = data.train.native_shape()
            size = recipe.image_size or next((known for known in SIZES if known >= size), SIZES[-1])
            recipe = dataclasses.replace(recipe, image_size=size)
        images = choose_source(
            data.train,
            size,
            channels,
            epochs=recipe.epochs,
            progress=ctx.progress,
            agreed=lambda fitting: not group.any(not fitting),
        )
        grids, rng = SampleGrids(recipe.epochs, ctx.rng("sample grids")), ctx.rng("monitor")
        pixels = open_space("pixels", size, channels)
        # the first process alone measures
        measured_in = open_or_pixels(feature_space, size, channels, device=device) if first else pixels
        real = images.sample(2 * SAMPLES if first else 2, rng)[0]
        monitor = Monitor(real, rng, pixels, measured_in)
        account = Account(
            out.stem,
            recipe,
            data,
            images,
            grids,
            monitor,
            seed=seed,
            device=device,
            place=machine(device, group.world),
            command=command,
            source=source,
            licence=licence or (start.card.licence if start else ""),
            start=start,
            thinned=thinned,
            notes=notes,
        )
        stop = stack.enter_context(interruption or nullcontext(lambda: False))
        if board:
            stack.enter_context(board)
        keeper = Keeper(
            beside,
            keeping or Keeping(),
            _identity(recipe, seed, images, start),
            described=account.on,
            stop=lambda: group.any(stop()),
            resume=resume,
            writes=first,
        )
        try:
            gan, history = train(
                images,
                recipe,
                start=start,
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
        except torch.OutOfMemoryError as error:
            raise BadInputError(
                one_line(f"{device} is out of memory: lower --batch-size or --width, or pass --device cpu ({error})")
            ) from error
        except DivergedError as error:
            message = f"{error}; the last good checkpoint is {states(beside)[-1]}"
            if folder is not None:
                folder.add(*account.of_diverged(error.state, message))
            raise BadInputError(message) from error
        if folder is None:
            return gan
        # once more, by the statistics that the checkpoint holds
        grids(recipe.epochs, gan)
        monitor.look(gan.card.training["steps"], gan)
        run, report = account.of(gan, history)
        save_checkpoint(gan, out)
        folder.add(run, report)
    return gan


def _thinned(data: Data, keep_list: Path | None) -> tuple[Data, dict[str, Any], list[str]]:
    """The data with the images on the keep-list alone, what the card says of that, and what the report does."""
    if keep_list is None:
        return data, {}, []
    kept, entry = read_keep_list(keep_list, data.train)
    note = f"Of {len(data.train):,} images the {len(kept):,} on the keep-list {keep_list.name} were used."
    return dataclasses.replace(data, train=kept), {"keep_list": entry}, [note]


def _identity(recipe: Recipe, seed: int, images: Source, start: GAN | None) -> dict[str, Any]:
    """What a training is made of, so that it goes on with nothing else."""
    made_of = {"from": origin(start.card) if start else None} | in_force(recipe, start)
    if not recipe.decay_epochs:  # with a decay, the rate of earlier epochs depends on how many there are
        del made_of["epochs"]
    return made_of | {"seed": seed, "images": images.identity, "classes": list(images.classes)}
