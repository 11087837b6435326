"""All weights of a GAN, and which of them are not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from gan_probe.gan import GAN


def weights(gan: GAN) -> dict[str, torch.Tensor]:
    """By name, statistics and counters too; those of the discriminator start with `discriminator`."""
    return {
        f"{role}/{name}": value
        for role in ("generator", "discriminator")
        for name, value in getattr(gan, role).state_dict().items()
    }


def differing(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> list[str]:
    """The names of the tensors that are not the same to the bit."""
    assert a.keys() == b.keys()
    return [name for name in a if not torch.equal(a[name], b[name])]
