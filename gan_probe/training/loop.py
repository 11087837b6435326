"""The training loop of a DCGAN: one step of the discriminator and one of the generator for every minibatch."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING

import torch

from gan_probe.analysis import Context
from gan_probe.errors import BadInputError
from gan_probe.features import recalibrate
from gan_probe.training.history import History, Row
from gan_probe.training.recipe import BETAS
from gan_probe.training.source import InMemory
from gan_probe.training.step import Measured, adversarial_step
from gan_probe.training.untrained import untrained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN
    from gan_probe.network import Network
    from gan_probe.training.recipe import Recipe

ROW_STEPS = 100  # an epoch of more steps gives several rows of the history
CALIBRATION = 128  # images in a batch of the final statistics, as in the release
CALIBRATION_BATCHES = 100


def train(
    images: np.ndarray,
    recipe: Recipe,
    *,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
    on_epoch: Callable[[int, GAN], None] | None = None,
    on_step: Callable[[int, GAN], None] | None = None,
) -> tuple[GAN, History]:
    """Train a DCGAN on images (N, H, W, C) uint8, with labels (N,) into `classes` where the recipe is conditional.

    `on_epoch(epoch, gan)` is called before the first epoch (as 0) and after each, `on_step(step, gan)` likewise; the
    networks then normalise by the batch. In the GAN returned batch norm has the statistics of samples (G) and of the
    training images (D). On the CPU the weights depend only on the arguments and the number of threads; no global random
    state is read or changed.
    Raises BadInputError for images or labels that do not fit the recipe, and when the losses diverge.
    """
    started = time.monotonic()
    ctx = Context(seed=seed)
    gan, generator, discriminator = untrained(images, recipe, labels, classes, ctx)
    gan.to(device)
    for net in (generator, discriminator):
        net.to(memory_format=torch.channels_last)  # the layout that convolutions are fastest in: 1.7 times, on a CPU
    targets = labels.astype("int64") if labels is not None and gan.card.classes else None
    source = InMemory(images, targets)
    batch = min(recipe.batch_size, len(images))
    steps_per_epoch = len(images) // batch
    total = recipe.epochs * steps_per_epoch
    d_optimiser, g_optimiser = (
        torch.optim.Adam(net.parameters(), lr=recipe.learning_rate, betas=BETAS) for net in (discriminator, generator)
    )
    history, step = History(), 0
    if on_epoch:
        on_epoch(0, gan)
    if on_step:
        on_step(0, gan)
    for epoch in range(1, recipe.epochs + 1):
        measured: list[Tensor] = []
        clock = time.monotonic()
        # every draw has the name of its epoch or step: what comes next never depends on what was drawn before
        for pixels, chosen in source.epoch(ctx.rng(f"order of epoch {epoch}"), batch):
            real = gan.from_uint8(pixels).to(device)  # (batch, C, H, W)
            wanted = None if chosen is None else torch.from_numpy(chosen).to(device)
            z = gan.latent(batch, ctx.rng(f"z of step {step + 1}")).to(device)
            precision = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
            step_of = generator, discriminator, g_optimiser, d_optimiser
            measured.append(adversarial_step(*step_of, real, z, wanted, precision))
            step += 1
            if on_step:
                on_step(step, gan)
            if len(measured) == ROW_STEPS or step == epoch * steps_per_epoch:
                speed = len(measured) * batch / max(time.monotonic() - clock, 1e-9)
                history.rows.append(_row(epoch, step, measured, speed))
                measured, clock = [], time.monotonic()
            if progress:
                progress(step, total, f"epoch {epoch}/{recipe.epochs}")
        _check_weights(generator, discriminator, step)
        if on_epoch:
            on_epoch(epoch, gan)
    _calibrate(gan, generator, discriminator, images, targets, ctx.rng("calibration"))
    training = {
        "recipe": dataclasses.asdict(recipe) | {"image_size": gan.card.image_size},
        "epochs": recipe.epochs,
        "steps": step,
        "images": len(images),
        "batch_norm": f"statistics recomputed after training, in batches of {CALIBRATION}: "
        "generator on its own samples, discriminator on training images",
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
        "machine": _machine(device),
        "torch": str(torch.__version__),
    }
    gan.card = dataclasses.replace(gan.card, training=training)
    return gan, history


def _row(epoch: int, step: int, measured: Sequence[Tensor], speed: float) -> Row:
    values = torch.stack(list(measured)).cpu()  # (steps, 7): fetched once, not at every step
    if not bool(values.isfinite().all()):
        bad = step - len(values) + 1 + int((~values.isfinite()).any(dim=1).nonzero()[0])
        raise BadInputError(f"training diverged: a loss is not finite at step {bad}; lower the learning rate")
    means = dict(zip(Measured._fields, values.double().mean(dim=0).tolist(), strict=True))
    return Row(epoch, step, **means, images_per_second=speed)


def _check_weights(generator: Network, discriminator: Network, step: int) -> None:
    for network in (generator, discriminator):
        if not all(bool(parameter.isfinite().all()) for parameter in network.parameters()):
            raise BadInputError(f"training diverged: a weight is not finite after step {step}; lower the learning rate")


def _calibrate(
    gan: GAN,
    generator: Network,
    discriminator: Network,
    images: np.ndarray,
    labels: np.ndarray | None,
    rng: np.random.Generator,
) -> None:
    # in random order: of data sorted by class, a batch would hold one class and vary too little
    order = rng.permutation(len(images))[: CALIBRATION * CALIBRATION_BATCHES]
    chunks = [order[i : i + CALIBRATION] for i in range(0, len(order), CALIBRATION)]
    wanted = [None if labels is None else torch.from_numpy(labels[chunk]).to(gan.device) for chunk in chunks]
    samples = ((gan.latent(len(chunk), rng).to(gan.device), y) for chunk, y in zip(chunks, wanted, strict=True))
    reals = ((gan.from_uint8(images[chunk]).to(gan.device), y) for chunk, y in zip(chunks, wanted, strict=True))
    for network, batches in ((generator, samples), (discriminator, reals)):
        network.statistics = recalibrate(network, batches)
        network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)


def _machine(device: str | torch.device) -> str:
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    return device.type
