"""The statistics that batch norm has in a checkpoint: of samples in the generator, of training images in D."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.features import recalibrate
from gan_probe.training.sending import sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN
    from gan_probe.training.source import Source

BATCH = 128  # images in a batch of the statistics, as in the release
BATCHES = 100
NOTE = (
    f"statistics recomputed after training, in batches of {BATCH}: "
    "generator on its own samples, discriminator on training images"
)


def calibrated(
    gan: GAN,
    source: Source,
    rng: np.random.Generator,
    check: Callable[[], None] = lambda: None,
) -> GAN:
    """A frozen copy of a GAN in training, with batch norm's statistics computed on 100 batches.

    `check` is called before each batch and may raise, to stop here.
    """
    networks: dict[str, Any] = {}
    # in random order: of data sorted by class, a batch would hold one class and vary too little
    images, labels = source.sample(BATCH * BATCHES, rng)
    wanted = wanted_of(gan, labels)

    def batches_of(inputs: Callable[[slice], Tensor]) -> Iterator[tuple[Tensor, Tensor | None]]:
        for start in range(0, len(images), BATCH):
            check()
            rows = slice(start, min(start + BATCH, len(images)))
            yield inputs(rows).to(gan.device), None if wanted is None else wanted[rows]

    samples = batches_of(lambda rows: gan.latent(rows.stop - rows.start, rng))
    reals = batches_of(lambda rows: gan.from_uint8(images[rows]))

    for role, batches in (("generator", samples), ("discriminator", reals)):
        network = copy.deepcopy(getattr(gan, role))
        network.statistics = recalibrate(network, batches)
        networks[role] = network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)
    return dataclasses.replace(gan, **networks)


def wanted_of(gan: GAN, labels: np.ndarray | None) -> Tensor | None:
    """The labels (N,) as a conditional GAN takes them; None for any other."""
    return None if labels is None or not gan.card.classes else sent(labels.astype("int64"), gan.device)
