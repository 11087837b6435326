"""Random DCGAN-like pairs, as strangers write them, read back from their state dicts alone."""

from __future__ import annotations

import random
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gan_probe.checkpoints import LoadRequest, load_gan

BENDS = {"relu": lambda: [nn.ReLU()], "leaky_relu": lambda: [nn.LeakyReLU(0.2)], "none": list}


@pytest.fixture(autouse=True)
def one_thread():
    """Thousands of small products: threads that wait for each other take many times as long on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def transposed(kernel: int) -> dict[str, int]:
    """Strides and paddings that double the size."""
    if kernel % 2:
        return {"kernel_size": kernel, "stride": 2, "padding": kernel // 2, "output_padding": 1}
    return {"kernel_size": kernel, "stride": 2, "padding": kernel // 2 - 1}


class Reshape(nn.Module):
    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(-1, *self.shape)


def generator(rng: random.Random, size: int, channels: int, z: int, bend: str) -> nn.Sequential:
    steps = rng.choice([1, 2, 3])
    start = size // 2**steps
    while start > 8:
        steps, start = steps + 1, start // 2
    kernel, bias = rng.choice([3, 4, 5, 7]), rng.random() < 0.5
    kind = rng.choice(["deconv", "deconv", "upsample"])
    width = rng.choice([6, 8, 12])
    maps = width * 2**steps
    layers: list[nn.Module] = []
    norms = [rng.random() < 0.8 for _ in range(steps)]
    norms[rng.randrange(steps)] = True
    if rng.random() < 0.5 or start < 3:
        layers += [nn.Linear(z, maps * start * start, bias=bias)]
        by_unit = rng.random() < 0.3 and norms[0]
        if by_unit:
            layers += [nn.BatchNorm1d(maps * start * start), *BENDS[bend](), Reshape(maps, start, start)]
        else:
            layers += [Reshape(maps, start, start), *([nn.BatchNorm2d(maps)] if norms[0] else []), *BENDS[bend]()]
    else:
        layers += [Reshape(z, 1, 1), nn.ConvTranspose2d(z, maps, start, 1, 0, bias=bias)]
        layers += [*([nn.BatchNorm2d(maps)] if norms[0] else []), *BENDS[bend]()]
    for step in range(steps):
        last = step == steps - 1
        outputs = channels if last else maps // 2
        if kind == "deconv":
            layers.append(nn.ConvTranspose2d(maps, outputs, **transposed(kernel), bias=bias))
        else:
            odd = kernel if kernel % 2 else 3
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(maps, outputs, odd, padding=odd // 2, bias=bias)]
        if not last:
            layers += [*([nn.BatchNorm2d(outputs)] if norms[step + 1] else []), *BENDS[bend]()]
        maps = outputs
    return nn.Sequential(*layers, nn.Tanh())


def discriminator(rng: random.Random, size: int, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    maps, side, kernel = channels, size, rng.choice([3, 4, 5])
    while side > 6:
        outputs = 8 if maps == channels else maps * 2
        layers.append(nn.Conv2d(maps, outputs, kernel, 2, (kernel - 1) // 2))
        if maps != channels and rng.random() < 0.8:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(0.2))
        maps, side = outputs, (side + 2 * ((kernel - 1) // 2) - kernel) // 2 + 1
    if rng.random() < 0.5:
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(maps * side * side, 1))
    return nn.Sequential(*layers, nn.Conv2d(maps, 1, side, bias=False), nn.Flatten())


def pair(seed: int, sizes=(16, 28, 32)) -> tuple[nn.Sequential, nn.Sequential, str, str]:
    """Two networks in evaluation mode whose batch norms have seen batches, the distribution of z, the activation."""
    rng = random.Random(seed)  # noqa: S311  # no cryptography
    torch.manual_seed(seed)
    size, channels, z = rng.choice(sizes), rng.choice([1, 3]), rng.choice([16, 64, 100])
    kind, bend = rng.choice(["normal", "uniform"]), rng.choice([*BENDS])
    g = generator(rng, size, channels, z, bend)
    size = g(torch.zeros(2, z)).shape[-1]
    d = discriminator(rng, size, channels)
    for module in [*g.modules(), *d.modules()]:
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.data.normal_(1, 0.2)
            module.bias.data.normal_(0, 0.3)
    with torch.no_grad():
        for step in range(60):
            for module in [*g.modules(), *d.modules()]:
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.momentum = 0.1 if step else 1.0  # forget the variance of 1 it starts from
            latents = torch.randn(64, z) if kind == "normal" else torch.rand(64, z) * 2 - 1
            d(g(latents))
    return g.eval(), d.eval(), kind, bend


def read_right(seed: int, folder, sizes=(16, 28, 32)) -> tuple[bool, bool]:
    """Whether the pair's images come out the same, and whether its reading was said to be doubtful.

    Activations that the card lists as assumed are first set as they were: on those nothing bears.
    """
    g, d, kind, bend = pair(seed, sizes)
    torch.save(g.state_dict(), folder / "g.pt")
    torch.save({"netD": d.state_dict()}, folder / "d.pt")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gan = load_gan(LoadRequest(folder / "g.pt", folder / "g.pt", folder / "d.pt"))
    for name, module in [*gan.generator.named_children()][:-1]:
        if any(f"{name}'s activation is" in line for line in gan.card.assumed):
            module.stage = replace(module.stage, activation=bend, slope=0.2)
    z = gan.latent(4, np.random.default_rng(0))
    with torch.no_grad():
        expected = g(z)
    same = gan.card.z_distribution == kind and expected.shape == gan.sample(z).shape
    return same and bool((gan.sample(z) - expected).abs().max() < 1e-4), bool(said)


def test_random_pairs_are_read_right_and_none_silently_wrong(tmp_path):
    results = [read_right(seed, tmp_path) for seed in range(20)]
    assert sum(same for same, _ in results) >= 19
    assert all(same or said for same, said in results)


@pytest.mark.slow
def test_two_hundred_pairs_are_read_right_and_none_silently_wrong(tmp_path):
    results = [read_right(seed, tmp_path, (16, 28, 32, 64)) for seed in range(20, 220)]
    assert sum(same for same, _ in results) >= 190
    assert all(same or said for same, said in results)
