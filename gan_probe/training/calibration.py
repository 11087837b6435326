"""The statistics that batch norm has in a checkpoint: of samples in the generator, of training images in D."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.features import recalibrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN

BATCH = 128  # images in a batch of the statistics, as in the release
BATCHES = 100
NOTE = (
    f"statistics recomputed after training, in batches of {BATCH}: "
    "generator on its own samples, discriminator on training images"
)


def calibrated(
    gan: GAN,
    images: np.ndarray,
    labels: np.ndarray | None,
    rng: np.random.Generator,
    check: Callable[[], None] = lambda: None,
) -> GAN:
    """A frozen copy of a GAN in training, with batch norm's statistics computed on 100 batches.

    `check` is called before each batch and may raise, to stop here.
    """
    networks: dict[str, Any] = {}
    # in random order: of data sorted by class, a batch would hold one class and vary too little
    order = rng.permutation(len(images))[: BATCH * BATCHES]
    chunks = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    wanted = [None if labels is None else torch.from_numpy(labels[chunk]).to(gan.device) for chunk in chunks]

    def samples() -> Iterator[tuple[Tensor, Tensor | None]]:
        for chunk, y in zip(chunks, wanted, strict=True):
            check()
            yield gan.latent(len(chunk), rng).to(gan.device), y

    def reals() -> Iterator[tuple[Tensor, Tensor | None]]:
        for chunk, y in zip(chunks, wanted, strict=True):
            check()
            yield gan.from_uint8(images[chunk]).to(gan.device), y

    for role, batches in (("generator", samples()), ("discriminator", reals())):
        network = copy.deepcopy(getattr(gan, role))
        network.statistics = recalibrate(network, batches)
        networks[role] = network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)
    return dataclasses.replace(gan, **networks)
