"""Pairs trained briefly, so that their batch norms have seen something, and whether they are read back right."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_probe.checkpoints import LoadRequest, load_gan

from .style import Style

NORMS = nn.BatchNorm1d, nn.BatchNorm2d
NEAR = 1e-4


def blobs(n: int, style: Style) -> Tensor:
    """Bright discs on a dark ground, (n, C, H, W) in the range of the style's output."""
    channels, size = style.channels, style.size
    at = torch.linspace(-1, 1, size)
    x, y, r = torch.rand(3, n, 1, 1) * torch.tensor([1.2, 1.2, 0.4]).view(3, 1, 1, 1)
    distance = (at[None, :, None] - x + 0.6) ** 2 + (at[None, None, :] - y + 0.6) ** 2
    bright = torch.exp(-distance / (0.05 + r**2))[:, None].expand(-1, channels, -1, -1)
    return bright if style.output == "sigmoid" else 2 * bright - 1


def latents(n: int, size: int, kind: str) -> Tensor:
    return torch.randn(n, size) if kind == "normal" else torch.rand(n, size) * 2 - 1


def trained(style: Style, steps: int = 10, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A pair after some steps of training, and as many batches as its running statistics need, in evaluation mode."""
    torch.manual_seed(seed)
    g, d = style.build()
    for net in (g, d):
        for module in net.modules():
            if isinstance(module, NORMS):
                module.weight.data.normal_(1, 0.1)
                module.bias.data.normal_(0, 0.1)
    optimisers = [torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d)]
    for _ in range(steps):
        z, real = latents(16, style.z_size, style.z), blobs(16, style)
        fake = g(z)
        losses = [
            lambda fake=fake, real=real: nn.functional.softplus(d(fake.detach())) + nn.functional.softplus(-d(real)),
            lambda fake=fake: nn.functional.softplus(-d(fake)),
        ]
        for optimiser, loss in zip(reversed(optimisers), losses, strict=True):
            optimiser.zero_grad()
            loss().mean().backward()
            optimiser.step()
    settle(g, d, style)
    return g.eval(), d.eval()


@torch.no_grad()
def settle(g: nn.Module, d: nn.Module, style: Style, batches: int = 40) -> None:
    """Let the norms see batches of the weights as they are, as long training does."""
    for step in range(batches):
        for module in [*g.modules(), *d.modules()]:
            if isinstance(module, NORMS):
                module.momentum = 0.1 if step else 1.0  # forget the variance of 1 it starts from
        d(g(latents(64, style.z_size, style.z)))
        d(blobs(64, style))


@dataclass(frozen=True)
class Verdict:
    """What came of a reading: `right`, `as listed` (but for what it lists as assumed), or `wrong`, for each network."""

    g: str
    d: str
    warned: tuple[str, ...]
    assumed: tuple[str, ...]
    readings: tuple


@torch.no_grad()
def verdict(style: Style, g: nn.Module, d: nn.Module, folder: Path) -> Verdict:
    """Write the pair's state dicts, open them, and compare images and scores."""
    torch.save(g.state_dict(), folder / "g.pt")
    torch.save(d.state_dict(), folder / "d.pt")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gan = load_gan(LoadRequest(folder / "g.pt", folder / "g.pt", folder / "d.pt"))
    z = latents(8, style.z_size, style.z)
    images = blobs(8, style)
    results = []
    for role, ours, theirs, x in (
        ("generator", gan.generator, g, z),
        ("discriminator", gan.discriminator, d, images),
    ):
        expected = theirs(x)
        if role == "generator" and gan.card.z_distribution != style.z:
            results.append("wrong z")
        elif gan.card.image_size != style.size or gan.card.channels != style.channels:
            results.append("wrong size")
        elif near(ours(x), expected):
            results.append("right")
        else:
            corrected(ours, role, gan.card.assumed, style)
            results.append("as listed" if near(ours(x), expected) else "wrong")
    return Verdict(*results, tuple(str(w.message) for w in said), gan.card.assumed, gan.readings)


def near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= NEAR * max(1.0, float(b.abs().max())))


def corrected(net: nn.Module, role: str, assumed: tuple[str, ...], style: Style) -> None:
    """Set what the card lists as assumed as it truly is; nothing else."""
    bend = style.bend if role == "generator" else style.d_bend
    stages = [*net.named_children()]
    for name, module in stages[:-1]:
        words = f"{name}'s activation is" if role == "generator" else "activations"
        if any(words in line for line in assumed if role in line):
            module.stage = replace(module.stage, activation=bend[0], slope=bend[1])
    last = stages[-1][1]
    if role == "generator" and any("the generator ends in" in line for line in assumed):
        last.stage = replace(last.stage, activation=style.output)
