"""The GAN that training begins with: of random weights, or of another's."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.data.memory import available_memory
from gan_probe.dcgan import discriminator_stages, generator_stages
from gan_probe.errors import BadInputError, one_line
from gan_probe.gan import GAN, Card
from gan_probe.network import Network, initialise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from gan_probe.analysis import Context
    from gan_probe.stage import Stage
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.source import Source


def untrained(source: Source, recipe: Recipe, ctx: Context) -> tuple[GAN, Network, Network]:
    """A GAN for these images with the recipe's initial weights, and its generator and discriminator."""
    size, channels = _check_images(source, recipe.image_size)
    if recipe.conditional:
        _check_labels(source.labels, len(source), len(source.classes))
    names = source.classes if recipe.conditional else ()
    shape = (recipe.width, recipe.kernel, len(names), recipe.depth, recipe.guidelines)
    makes = generator_stages(size, channels, recipe.z_size, *shape)
    judges = discriminator_stages(size, channels, *shape)
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
        value_range=recipe.value_range,
        classes=names,
        generator=generator.stages,
        discriminator=discriminator.stages,
    )
    return GAN(card, generator, discriminator), generator, discriminator


@torch.no_grad()
def trained_before(source: Source, start: GAN) -> tuple[GAN, Network, Network]:
    """A copy of `start` to be trained on with these images, and its generator and discriminator.

    Architecture, latents, value range and classes stay as they are. BadInputError where one of its networks is missing
    or no plain chain of layers, and for images of another shape or other classes.
    """
    card = start.card
    if card.classes:
        _check_labels(source.labels, len(source), len(source.classes))
    if card.classes and card.classes != source.classes:
        theirs, ours = (one_line(", ".join(names), 40) for names in (card.classes, source.classes))
        raise BadInputError(f"{card.name} knows the classes {theirs}; the data has {ours}")
    _check_images(source, card.image_size)
    if source.shape[2] != card.channels:
        raise BadInputError(f"{card.name} has images of {card.channels} channels, the data of {source.shape[2]}")
    nets: dict[str, Any] = {}
    for role, net in (("generator", start.generator), ("discriminator", start.discriminator)):
        if net is None:
            raise BadInputError(f"{card.name} has no {role}: to be trained on, a GAN needs both networks")
        if not hasattr(net, "parameters"):
            net = getattr(start.differentiable(), role)  # the graph rebuilt
        if not isinstance(net, Network):
            raise BadInputError(f"the {role} of {card.name} is no plain chain of layers: it cannot be trained on")
        if role == "discriminator" and net.stages[-1].activation == "sigmoid":
            raise BadInputError(f"the discriminator of {card.name} ends in a sigmoid: state the card without it")
        # all batch norms get statistics at the end, also where there were none
        stages = [dataclasses.replace(stage, statistics=True) for stage in net.stages]
        nets[role] = Network(stages, net.input_size)
        weights = dict(net.named_parameters())
        for name, parameter in nets[role].named_parameters():
            parameter.copy_(weights[name])
        nets[role].statistics = None
    _check_size((*nets["generator"].stages, *nets["discriminator"].stages))
    built: dict[str, Any] = {role: net.stages for role, net in nets.items()}
    card = dataclasses.replace(card, format="gan-probe", training={}, sha256="", assumed=(), **built)
    return GAN(card, **nets), nets["generator"], nets["discriminator"]


def _check_images(source: Source, wanted: int | None) -> tuple[int, int]:
    n, (height, width, channels) = len(source), source.shape
    size = wanted or height
    if (height, width) != (size, size):
        raise BadInputError(f"the images are {height}x{width}, the networks' are {size}x{size}: load them at that size")
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
            "lower --width, --z-size, --dense or --image-size"
        )


def _check_labels(labels: np.ndarray | None, n: int, classes: int) -> None:
    if labels is None or not classes:
        raise BadInputError("a conditional recipe needs labels: choose data with labels, or pass --labels")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise BadInputError(f"labels have shape {labels.shape} and type {labels.dtype}; they must be ({n},) integers")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise BadInputError(f"labels run from {labels.min()} to {labels.max()}, but there are {classes} classes")
