"""Modules of any class, read as stages where they are plain chains of layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_probe.checkpoints.traced import as_network
from gan_probe.tracing import trace


def chain(*layers: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for _ in range(5):
            net(torch.randn(16, 8) if isinstance(layers[0], nn.Linear) else torch.randn(16, 8, 1, 1))
    return net.eval()


CHAINS = {
    "dense, norm over units": lambda: [nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU(True), nn.Unflatten(1, (4, 4, 4))],
    "enlargement": lambda: [
        nn.Linear(8, 64),
        nn.Unflatten(1, (4, 4, 4)),
        nn.BatchNorm2d(4, 0.8),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(4, 3, 3, padding=1),
        nn.Tanh(),
    ],
    "uneven padding": lambda: [
        nn.Linear(8, 64),
        nn.ELU(),
        nn.Unflatten(1, (4, 4, 4)),
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(4, 3, 4),
    ],
    "border": lambda: [
        nn.ConvTranspose2d(8, 4, 4),
        nn.ZeroPad2d((1, 0, 1, 0)),
        nn.BatchNorm2d(4, affine=False),
        nn.SELU(),
        nn.Dropout2d(),
        nn.ConvTranspose2d(4, 3, 3, 2, 1, 1, bias=False),
    ],
    "norm behind activation": lambda: [
        nn.ConvTranspose2d(8, 4, 4),
        nn.LeakyReLU(),
        nn.BatchNorm2d(4),
        spectral_norm(nn.Conv2d(4, 3, 3, 1, 1)),
        nn.Sigmoid(),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
def test_usual_chains_are_read_as_stages(name):
    net = chain(*CHAINS[name]())
    z = torch.randn(4, 8) if isinstance(net[0], nn.Linear) else torch.randn(4, 8, 1, 1)
    network = as_network(net, trace(net, z)[0], z)
    assert network is not None
    fresh = torch.randn_like(z)
    torch.testing.assert_close(network(fresh.flatten(1)), net(fresh), atol=1e-5, rtol=0)


NO_CHAINS = {
    "instance norm": lambda: [nn.ConvTranspose2d(8, 4, 4), nn.InstanceNorm2d(4), nn.Conv2d(4, 3, 3)],
    "reflection": lambda: [nn.ConvTranspose2d(8, 4, 4), nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect")],
    "pooling": lambda: [nn.ConvTranspose2d(8, 4, 4), nn.AvgPool2d(2)],
    "groups": lambda: [nn.ConvTranspose2d(8, 4, 4), nn.Conv2d(4, 4, 3, groups=2)],
    "prelu": lambda: [nn.ConvTranspose2d(8, 4, 4), nn.PReLU()],
    "aligned corners": lambda: [
        nn.ConvTranspose2d(8, 4, 4),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        nn.Conv2d(4, 3, 3),
    ],
}


@pytest.mark.parametrize("name", NO_CHAINS)
def test_what_stages_cannot_say_is_no_network(name):
    net = chain(*NO_CHAINS[name]())
    z = torch.randn(4, 8, 1, 1)
    assert as_network(net, trace(net, z)[0], z) is None
