"""One step of the adversarial game."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import logsigmoid

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from gan_probe.network import Network


def adversarial_step(
    generator: Network,
    discriminator: Network,
    g_optimiser: Optimizer,
    d_optimiser: Optimizer,
    real: Tensor,
    z: Tensor,
    labels: Tensor | None = None,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Update D on real (N, C, H, W) and G(z) for z (N, Z), then G by the non-saturating loss.

    `precision` is that of products; weights, batch norm and losses are float32. Returns D's loss, G's loss, and D's
    mean probabilities for real and for generated images: (4,), detached.
    """
    real = real.contiguous(memory_format=torch.channels_last)

    def act(net: Network, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, precision, enabled=precision != torch.float32):
            y: Tensor = net(x, labels)
        return y.float()

    fake = act(generator, z)
    d_real = act(discriminator, real)  # real and generated images apart: each batch has its own statistics
    d_fake = act(discriminator, fake.detach())
    d_loss = -(logsigmoid(d_real).mean() + logsigmoid(-d_fake).mean())
    d_optimiser.zero_grad()
    torch.autograd.backward(d_loss)
    d_optimiser.step()

    g_loss = -logsigmoid(act(discriminator, fake)).mean()
    g_optimiser.zero_grad()
    torch.autograd.backward(g_loss, inputs=list(generator.parameters()))
    g_optimiser.step()
    return torch.stack([d_loss, g_loss, d_real.sigmoid().mean(), d_fake.sigmoid().mean()]).detach()
