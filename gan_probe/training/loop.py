"""The training loop of a DCGAN: one step of the discriminator and one of the generator for every minibatch."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import logsigmoid

from gan_probe.analysis import Context
from gan_probe.data.memory import available_memory
from gan_probe.dcgan import discriminator_stages, generator_stages
from gan_probe.errors import BadInputError
from gan_probe.features import recalibrate
from gan_probe.gan import GAN, Card
from gan_probe.network import Network, initialise
from gan_probe.training.history import History, Row
from gan_probe.training.recipe import BETAS, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from torch import Tensor
    from torch.optim import Optimizer

    from gan_probe.stage import Stage

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
) -> tuple[GAN, History]:
    """Train a DCGAN on images (N, H, W, C) uint8, with labels (N,) into `classes` where the recipe is conditional.

    `on_epoch(epoch, gan)` is called before the first epoch (as 0) and after each; the networks then normalise by the
    batch. In the GAN returned batch norm has the statistics of samples (G) and of the training images (D). On the CPU
    the weights depend only on the arguments and the number of threads; no global random state is read or changed.
    Raises BadInputError for images or labels that do not fit the recipe, and when the losses diverge.
    """
    started = time.monotonic()
    ctx = Context(seed=seed)
    gan, generator, discriminator = untrained(images, recipe, labels, classes, ctx)
    gan.to(device)
    for net in (generator, discriminator):
        net.to(memory_format=torch.channels_last)  # the layout that convolutions are fastest in: 1.7 times, on a CPU
    targets = torch.from_numpy(labels.astype("int64")) if labels is not None and gan.card.classes else None
    batch = min(recipe.batch_size, len(images))
    steps_per_epoch = len(images) // batch  # an incomplete batch is left out: batch norm would feel it
    total = recipe.epochs * steps_per_epoch
    d_optimiser, g_optimiser = (
        torch.optim.Adam(net.parameters(), lr=recipe.learning_rate, betas=BETAS) for net in (discriminator, generator)
    )
    orders, latents = ctx.rng("order"), ctx.rng("z")
    history, step = History(), 0
    if on_epoch:
        on_epoch(0, gan)
    for epoch in range(1, recipe.epochs + 1):
        order = orders.permutation(len(images))
        measured: list[Tensor] = []
        clock = time.monotonic()
        for i in range(0, steps_per_epoch * batch, batch):
            chosen = order[i : i + batch]
            real = gan.from_uint8(images[chosen]).to(device)  # (batch, C, H, W)
            wanted = None if targets is None else targets[chosen].to(device)
            z = gan.latent(batch, latents).to(device)
            precision = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
            step_of = generator, discriminator, g_optimiser, d_optimiser
            measured.append(adversarial_step(*step_of, real, z, wanted, precision))
            step += 1
            if len(measured) == ROW_STEPS or i + batch == steps_per_epoch * batch:
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


def untrained(
    images: np.ndarray, recipe: Recipe, labels: np.ndarray | None, classes: Sequence[str], ctx: Context
) -> tuple[GAN, Network, Network]:
    """A GAN for these images with the recipe's initial weights, and its generator and discriminator."""
    size, channels = _check_images(images, recipe)
    if recipe.conditional:
        _check_labels(labels, len(images), len(classes))
    names = tuple(classes) if recipe.conditional else ()
    shape = {"width": recipe.width, "kernel": recipe.kernel, "classes": len(names), "depth": recipe.depth}
    makes = generator_stages(size, channels, recipe.z_size, **shape)
    judges = discriminator_stages(size, channels, **shape)
    _check_size((*makes, *judges))
    generator, discriminator = Network(makes, size=1), Network(judges, size=size)
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        initialise(network, ctx.torch_generator(f"{name} weights"))
        network.statistics = None  # by the batch while training: running averages of D would mix real and generated
    card = Card(
        "dcgan",
        "gan-probe",
        size,
        channels,
        z_size=recipe.z_size,
        z_distribution=recipe.z_distribution,
        classes=names,
        generator=generator.stages,
        discriminator=discriminator.stages,
    )
    return GAN(card, generator, discriminator), generator, discriminator


def adversarial_step(
    generator: Network,
    discriminator: Network,
    g_optimiser: Optimizer,
    d_optimiser: Optimizer,
    real: Tensor,
    z: Tensor,
    labels: Tensor | None = None,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Update D on real (N, C, H, W) and G(z) for z (N, Z), then G by the non-saturating loss.

    `precision` is that of products; weights, batch norm and losses are float32. Returns D's loss, G's loss, and D's
    mean probabilities for real and for generated images: (4,), detached.
    """
    real = real.contiguous(memory_format=torch.channels_last)

    def act(net: Network, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, precision, enabled=precision != torch.float32):
            y: Tensor = net(x, labels)
        return y.float()

    fake = act(generator, z)
    d_real = act(discriminator, real)  # real and generated images apart: each batch has its own statistics
    d_fake = act(discriminator, fake.detach())
    d_loss = -(logsigmoid(d_real).mean() + logsigmoid(-d_fake).mean())
    d_optimiser.zero_grad()
    torch.autograd.backward(d_loss)
    d_optimiser.step()

    g_loss = -logsigmoid(act(discriminator, fake)).mean()
    g_optimiser.zero_grad()
    torch.autograd.backward(g_loss, inputs=list(generator.parameters()))
    g_optimiser.step()
    return torch.stack([d_loss, g_loss, d_real.sigmoid().mean(), d_fake.sigmoid().mean()]).detach()


def _row(epoch: int, step: int, measured: Sequence[Tensor], speed: float) -> Row:
    values = torch.stack(list(measured)).cpu()  # (steps, 4): fetched once, not at every step
    if not bool(values.isfinite().all()):
        bad = step - len(values) + 1 + int((~values.isfinite()).any(dim=1).nonzero()[0])
        raise BadInputError(f"training diverged: a loss is not finite at step {bad}; lower the learning rate")
    d_loss, g_loss, d_real, d_fake = values.double().mean(dim=0).tolist()
    return Row(epoch, step, d_loss, g_loss, d_real, d_fake, speed)


def _check_weights(generator: Network, discriminator: Network, step: int) -> None:
    for network in (generator, discriminator):
        if not all(bool(parameter.isfinite().all()) for parameter in network.parameters()):
            raise BadInputError(f"training diverged: a weight is not finite after step {step}; lower the learning rate")


def _calibrate(
    gan: GAN,
    generator: Network,
    discriminator: Network,
    images: np.ndarray,
    labels: Tensor | None,
    rng: np.random.Generator,
) -> None:
    # in random order: of data sorted by class, a batch would hold one class and vary too little
    order = rng.permutation(len(images))[: CALIBRATION * CALIBRATION_BATCHES]
    chunks = [order[i : i + CALIBRATION] for i in range(0, len(order), CALIBRATION)]
    wanted = [None if labels is None else labels[chunk].to(gan.device) for chunk in chunks]
    samples = ((gan.latent(len(chunk), rng).to(gan.device), y) for chunk, y in zip(chunks, wanted, strict=True))
    reals = ((gan.from_uint8(images[chunk]).to(gan.device), y) for chunk, y in zip(chunks, wanted, strict=True))
    for network, batches in ((generator, samples), (discriminator, reals)):
        network.statistics = recalibrate(network, batches)
        network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)


def _check_images(images: np.ndarray, recipe: Recipe) -> tuple[int, int]:
    if str(images.dtype) != "uint8" or images.ndim != 4:
        raise BadInputError(
            f"training takes images (N, H, W, C) of type uint8, not {images.ndim}-dimensional {images.dtype}"
        )
    n, height, width, channels = images.shape
    size = recipe.image_size or height
    if (height, width) != (size, size):
        raise BadInputError(f"the images are {height}x{width}, the recipe's size is {size}: load them at that size")
    if n < 2:
        raise BadInputError(f"there is no training on {n} images: batch norm needs at least 2")
    return size, channels


def _check_size(stages: Sequence[Stage]) -> None:
    """Raise BadInputError where weights, gradients and Adam's two averages do not fit into memory."""
    weights = sum((s.inputs + s.labels) * s.outputs * s.kernel**2 for s in stages)
    needed, there = 4 * 4 * weights, available_memory()
    if there is not None and needed > there:
        raise BadInputError(
            f"networks of {weights:,} weights need {needed / 1e9:,.0f} GB to train; there are {there / 1e9:,.1f} GB: "
            "lower --width, --z-size or --image-size"
        )


def _check_labels(labels: np.ndarray | None, n: int, classes: int) -> None:
    if labels is None or not classes:
        raise BadInputError("a conditional recipe needs labels: choose data with labels, or pass --labels")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise BadInputError(f"labels have shape {labels.shape} and type {labels.dtype}; they must be ({n},) integers")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise BadInputError(f"labels run from {labels.min()} to {labels.max()}, but there are {classes} classes")


def _machine(device: str | torch.device) -> str:
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    return device.type
