"""The training loop of a DCGAN: one step of the discriminator and one of the generator for every minibatch."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe.analysis import Context
from gan_probe.training.calibration import calibrated, wanted_of
from gan_probe.training.distributed import Group
from gan_probe.training.ema import MovingAverage
from gan_probe.training.record import machine, record
from gan_probe.training.sending import sent
from gan_probe.training.source import InMemory, Source
from gan_probe.training.state import TrainingState
from gan_probe.training.step import adam, adversarial_step
from gan_probe.training.untrained import trained_before, untrained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from gan_probe.gan import GAN
    from gan_probe.training.history import History, Row
    from gan_probe.training.keeping import Keeper
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.state import Stateful

ROW_STEPS = 100  # an epoch of more steps gives several rows of the history


def train(
    images: Source | np.ndarray,
    recipe: Recipe,
    *,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    start: GAN | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
    on_epoch: Callable[[int, GAN], None] | None = None,
    on_step: Callable[[int, GAN], None] | None = None,
    on_row: Callable[[Row], None] | None = None,
    keeper: Keeper | None = None,
    parts: Mapping[str, Stateful] | None = None,
    group: Group | None = None,
) -> tuple[GAN, History]:
    """Train a DCGAN on a source of images, or on images (N, H, W, C) uint8 with labels (N,) into `classes`.

    Labels are used where the recipe is conditional. With `start` training goes on from a copy of that GAN, in its
    architecture, with new optimisers.

    `on_epoch(epoch, gan)` is called before the first epoch (as 0) and after each, `on_step(step, gan)` likewise; the
    networks then normalise by the batch. `on_row` gets every row of the history. `keeper` saves the training as it
    goes, `parts` with it, and may resume an earlier one: on the CPU the weights are to the bit those of a training that
    never stopped. Each process of a `group` calls with the same arguments, and all end with the same weights.

    In the GAN returned batch norm has the statistics of samples (G) and of the training images (D). On the CPU the
    weights depend only on the arguments and the number of threads; no global random state is read or changed.
    Raises BadInputError for images or labels that do not fit the recipe, and DivergedError when the losses do.
    """
    clock = time.monotonic()
    ctx = Context(seed=seed)
    source = InMemory(images, labels, tuple(classes)) if isinstance(images, np.ndarray) else images
    gan, generator, discriminator = trained_before(source, start) if start else untrained(source, recipe, ctx)
    gan.to(device)
    for net in (generator, discriminator):
        net.to(memory_format=torch.channels_last)  # the layout that convolutions are fastest in: 1.7 times, on a CPU
    batch = min(recipe.batch_size, len(source))
    g_optimiser, d_optimiser = adam(generator, recipe), adam(discriminator, recipe)
    average = MovingAverage(generator, recipe.ema) if recipe.ema else None
    group = group or Group()
    place = machine(device, group.world)
    share = group.share(batch)
    group.join([generator, discriminator], [g_optimiser, d_optimiser])
    step_of = generator, discriminator, g_optimiser, d_optimiser
    precision = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
    parts = {"discriminator": d_optimiser, "generator": g_optimiser, **(parts or {})}
    if average:
        parts["average"] = average
    state = TrainingState(gan, generator, discriminator, parts, len(source) // batch, recipe.epochs)

    def check() -> None:
        if keeper and group.world == 1:  # the others wait for the first, which may be the only one to make a snapshot
            keeper.check(state)

    def finish() -> GAN:
        shown = gan if average is None else dataclasses.replace(gan, generator=average.averaged())
        done = calibrated(shown, source, ctx.rng("calibration"), check)
        training = record(state, recipe, len(source), seed, place, start)
        return dataclasses.replace(done, card=dataclasses.replace(gan.card, training=training))

    resumes = keeper is not None and keeper.begin(state)
    group.check_same(state.step)
    if resumes:
        where = {"machine": place, "torch": str(torch.__version__)}
        state.resumed.append({"step": state.step, "epochs": recipe.epochs, **where})
        clock -= state.seconds
    else:
        if on_epoch:
            on_epoch(0, gan)
        if on_step:
            on_step(0, gan)
    if keeper:
        keeper.after(state, finish)
    for epoch in range(state.step // state.steps_per_epoch + 1, recipe.epochs + 1):
        # every draw has the name of its epoch or step: what comes next never depends on what was drawn before
        order = ctx.rng(f"order of epoch {epoch}")
        for pixels, given in source.epoch(order, batch, state.step % state.steps_per_epoch, share):
            if recipe.mirror:
                turned = ctx.rng(f"mirror of step {state.step + 1}").random(batch)[share] < 0.5
            real = on_device(gan, pixels, device, turned if recipe.mirror else None)  # (batch, C, H, W)
            wanted = wanted_of(gan, given)
            z = sent(gan.latent(batch, ctx.rng(f"z of step {state.step + 1}"))[share].numpy(), device)
            for settings in (*g_optimiser.param_groups, *d_optimiser.param_groups):
                settings["lr"] = recipe.rate(state.step / state.steps_per_epoch)
            state.step += 1
            with group.step():
                turn = recipe.turn(state.step)
                measured = adversarial_step(*step_of, real, z, wanted, precision, turn, state.last)
                state.last = group.mean(measured)
                state.measured.append(state.last)
            if average:
                average.update()
            if len(state.measured) == ROW_STEPS or state.ends_epoch:
                state.close_row(time.monotonic() - clock, batch)
                if on_row:
                    on_row(state.history.rows[-1])
            state.seconds = time.monotonic() - clock
            if progress:
                progress(state.step, state.total, f"epoch {epoch}/{recipe.epochs}{state.speed}")
            if on_step:
                on_step(state.step, gan)
            if state.ends_epoch:
                state.check_weights()
                if on_epoch:
                    on_epoch(epoch, gan)
            if keeper:
                keeper.after(state, finish)
    return finish(), state.history


def on_device(gan: GAN, pixels: np.ndarray, device: str | torch.device, turned: np.ndarray | None = None) -> Tensor:
    """`gan.from_uint8` of pixels (N, H, W, C) to the bit, made on the device from bytes and laid out channels-last.

    A quarter of the numbers' size travels, and to a GPU without anybody waiting for it.
    """
    low, high = gan.card.value_range
    images = sent(pixels, device).permute(0, 3, 1, 2)
    if turned is not None:  # mirror images of those
        images = torch.where(sent(turned, device)[:, None, None, None], images.flip(3), images)
    return images.to(torch.float32).mul_(float(np.float32((high - low) / 255))).add_(float(np.float32(low)))
