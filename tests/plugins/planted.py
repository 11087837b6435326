"""Generators whose variety is known: they show so many given images, all alike often."""

import torch

from gan_probe import GAN, Card


class Shown(torch.nn.Module):
    """The first number of z (N, Z), on [-1, 1], chooses among images (S, C, H, W)."""

    layers = ()
    statistics = None

    def __init__(self, images):
        super().__init__()
        self.images = torch.nn.Parameter(images, requires_grad=False)

    def forward(self, z, labels=None):
        assert labels is None
        chosen = z[:, 0].double().add(1).mul(len(self.images) / 2).long()
        return self.images[chosen.clamp(max=len(self.images) - 1)]


def planted(images):
    """A GAN that shows images (N, H, W, C) uint8."""
    card = Card("planted", "made by a test", images.shape[1], images.shape[3], z_size=4)
    return GAN(card, Shown(GAN(card).from_uint8(images)))
