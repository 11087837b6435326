"""Generators whose variety is known: they show real images of chosen kinds, or a chosen number of them."""

import torch

from gan_probe import GAN, Card


class Planted(torch.nn.Module):
    """Blends of two images of one kind, at random; of as many different images as there are where `blend` is 0."""

    layers = ()
    statistics = None

    def __init__(self, kinds, blend=0.0):
        super().__init__()
        self.kinds, self.blend = kinds, blend  # a list of (n, C, H, W)

    def forward(self, z, labels=None):
        assert labels is None
        z = z.double().add(1).div(2).clamp(0, 1 - 1e-9)  # (N, 4), uniform on [0, 1)
        images = []
        for kind, first, second, share in z.tolist():
            pool = self.kinds[int(kind * len(self.kinds))]
            one, other = (pool[int(at * len(pool))] for at in (first, second))
            images.append(one + self.blend * share * (other - one))
        return torch.stack(images)


def planted(images, labels=None, kept=None, blend=0.0):
    """A GAN that shows images (N, H, W, C) uint8: all alike often, or the `kept` labels' alike often."""
    card = Card("planted", "made by a test", images.shape[1], images.shape[3], z_size=4)
    shown = GAN(card).from_uint8(images)
    kinds = [shown] if labels is None else [shown[torch.from_numpy(labels == k)] for k in kept]
    return GAN(card, Planted(kinds, blend))
