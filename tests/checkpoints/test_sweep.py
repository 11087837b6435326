"""Random DCGAN-like pairs, as strangers write them, read back from their state dicts alone."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch
from torch import nn

from .style import Style, View
from .trained import Verdict, trained, verdict

BENDS = [
    ("relu", 0.2),
    ("leaky_relu", 0.2),
    ("leaky_relu", 0.01),
    ("leaky_relu", 0.1),
    ("leaky_relu", 0.3),
    ("none", 0.2),
]
OUTPUTS = {"tanh": [nn.Tanh], "sigmoid": [nn.Sigmoid], "none": []}
SIZES, LARGER = (16, 20, 24, 28), (16, 20, 24, 28, 32, 48, 64)


@pytest.fixture(autouse=True)
def one_thread():
    """Thousands of small products: threads that wait for each other take many times as long on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def bent(bend: tuple[str, float]) -> list[nn.Module]:
    return {"relu": [nn.ReLU()], "leaky_relu": [nn.LeakyReLU(bend[1])], "none": []}[bend[0]]


def doubling(kind: str, kernel: int, inputs: int, outputs: int, bias: bool) -> list[nn.Module]:
    if kind == "enlarged":
        kernel += 1 - kernel % 2
        return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)]
    padding, extra = (kernel // 2, 1) if kernel % 2 else (kernel // 2 - 1, 0)
    return [nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, extra, bias=bias)]


def generator(rng: random.Random, size: int, channels: int, z: int, bend: tuple[str, float], output: str) -> nn.Module:
    steps = 1
    while size % 2 ** (steps + 1) == 0 and (size >> steps > 8 or rng.random() < 0.5) and size >> steps > 3:
        steps += 1
    start, bias, kind = size >> steps, rng.random() < 0.5, rng.choice(["transposed", "transposed", "enlarged"])
    kernels = [rng.choice([3, 4, 5, 7])] * steps if rng.random() < 0.5 else rng.choices([3, 4, 5, 7], k=steps)
    maps = min(rng.choice([6, 8, 12]) * 2**steps, 64)
    norms = [rng.random() < 0.8 for _ in range(steps)]
    norms[rng.randrange(steps)] = True
    layers: list[nn.Module] = []
    if rng.random() < 0.5 or start > 8:
        layers += [nn.Linear(z, maps * start * start, bias=bias)]
        if rng.random() < 0.3 and norms[0]:
            layers += [nn.BatchNorm1d(maps * start * start), *bent(bend), View(maps, start, start)]
        else:
            layers += [View(maps, start, start), *([nn.BatchNorm2d(maps)] if norms[0] else []), *bent(bend)]
    else:
        layers += [View(z, 1, 1), nn.ConvTranspose2d(z, maps, start, 1, 0, bias=bias)]
        layers += [*([nn.BatchNorm2d(maps)] if norms[0] else []), *bent(bend)]
    for step, kernel in enumerate(kernels):
        last = step == steps - 1
        outputs = channels if last else max(maps // 2, 6)
        layers += doubling(kind, kernel, maps, outputs, bias)
        if not last:
            layers += [*([nn.BatchNorm2d(outputs)] if norms[step + 1] else []), *bent(bend)]
        maps = outputs
    return nn.Sequential(*layers, *(make() for make in OUTPUTS[output]))


def discriminator(rng: random.Random, size: int, channels: int, slope: float) -> nn.Module:
    layers: list[nn.Module] = []
    maps, side, kernel = channels, size, rng.choice([3, 4, 5])
    while side > 6:
        outputs = 8 if maps == channels else min(maps * 2, 32)
        layers.append(nn.Conv2d(maps, outputs, kernel, 2, (kernel - 1) // 2))
        if maps != channels and rng.random() < 0.8:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(slope))
        maps, side = outputs, (side + 2 * ((kernel - 1) // 2) - kernel) // 2 + 1
    if rng.random() < 0.5:
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(maps * side * side, 1))
    return nn.Sequential(*layers, nn.Conv2d(maps, 1, side, bias=False), nn.Flatten())


def style(seed: int, sizes: tuple[int, ...]) -> Style:
    rng = random.Random(seed)  # noqa: S311  # no cryptography
    size, channels, z = rng.choice(sizes), rng.choice([1, 3]), rng.choice([16, 32, 100])
    bend, output, slope = rng.choice(BENDS), rng.choice(["tanh", "tanh", *OUTPUTS]), rng.choice([0.2, 0.2, 0.01])
    return Style(
        lambda: (generator(rng, size, channels, z, bend, output), discriminator(rng, size, channels, slope)),
        size,
        channels,
        z,
        rng.choice(["normal", "uniform"]),
        bend,
        ("leaky_relu", slope),
        output,
    )


def read(seed: int, folder, sizes=SIZES) -> Verdict:
    random_style = style(seed, sizes)
    return verdict(random_style, *trained(random_style, 3, seed), folder)


def outcome(found: Verdict) -> str:
    """`right`, also where it differs in what is listed as assumed; else `warned`, or `silently wrong`."""
    if found.g in ("right", "as listed"):
        return "right"
    return "warned" if any("generator" in line for line in found.warned) else f"silently {found.g}"


def check(results: list[Verdict]) -> None:
    counts = Counter(map(outcome, results))
    assert counts["right"] >= 0.95 * len(results), counts
    assert counts.keys() <= {"right", "warned"}, counts


def test_random_pairs_are_read_right_and_none_silently_wrong(tmp_path):
    check([read(seed, tmp_path) for seed in range(20)])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_pairs_are_read_right_and_none_silently_wrong(tmp_path):
    check([read(seed, tmp_path, LARGER) for seed in range(20, 220)])
