"""What tests of analyses and loaders start from: a GAN and a data set, tiny and ready, and the contract as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.conformance import check_analysis

if TYPE_CHECKING:
    from gan_probe.data import Data
    from gan_probe.gan import GAN

__all__ = ["check_analysis", "tiny_data", "tiny_gan"]


def tiny_gan(
    seed: int = 0,
    image_size: int = 16,
    channels: int = 1,
    z_size: int = 8,
    width: int = 4,
    kernel: int = 4,
    classes: int = 0,
    depth: int = 1,
) -> GAN:
    """A DCGAN with random weights and batch-norm statistics computed on its own samples.

    `classes` above 0 makes both networks conditional. The same arguments give the same weights.
    """
    import numpy as np
    import torch

    from gan_probe.dcgan import discriminator_stages, generator_stages
    from gan_probe.features import recalibrate
    from gan_probe.gan import GAN, Card
    from gan_probe.network import Network, initialise

    makes = generator_stages(image_size, channels, z_size, width, kernel, classes, depth)
    judges = discriminator_stages(image_size, channels, width, kernel, classes, depth)
    card = Card(
        name="tiny",
        format="made by gan_probe.testing",
        image_size=image_size,
        channels=channels,
        z_size=z_size,
        classes=tuple(str(label) for label in range(classes)),
        generator=makes,
        discriminator=judges,
        training_data="none: random weights",
        licence="MIT",
    )
    rng = torch.Generator().manual_seed(seed)
    generator = initialise(Network(makes, 1), rng).eval().requires_grad_(False)
    discriminator = initialise(Network(judges, image_size), rng).eval().requires_grad_(False)
    gan = GAN(card, generator, discriminator)
    z = gan.latent(64, np.random.default_rng(seed))
    labels = torch.arange(64) % classes if classes else None
    generator.statistics = recalibrate(generator, [(z, labels)])
    discriminator.statistics = recalibrate(discriminator, [(gan.sample(z, labels), labels)])
    return gan


def tiny_data(n: int = 120, held_out: int = 80) -> Data:
    """The first embedded 8x8 digits, ten classes: `n` training and `held_out` test images."""
    import numpy as np

    from gan_probe.data import Data, open_data

    whole = open_data("digits").train
    train, test = whole.subset(np.arange(n)), whole.subset(np.arange(n, n + held_out))
    return Data("tiny digits", train, test)
