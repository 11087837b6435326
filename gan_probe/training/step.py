"""One step of the adversarial game."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import logsigmoid
from torch.nn.utils import get_total_norm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor
    from torch.optim import Optimizer

    from gan_probe.network import Network


class Measured(NamedTuple):
    """What one step measures, each a tensor ().

    Losses are in nats. `d_real` and `d_fake` are D's mean probabilities of being real, `d_accuracy` is the share of the
    real and generated images that it tells rightly, all before its update. The gradients' norms are Euclidean, over
    all of a network's parameters.
    """

    d_loss: Tensor
    g_loss: Tensor
    d_real: Tensor
    d_fake: Tensor
    d_accuracy: Tensor
    d_gradient: Tensor
    g_gradient: Tensor


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

    `precision` is that of products; weights, batch norm and losses are float32. Returns what `Measured` names, stacked
    and detached: (7,), on the networks' device, since fetching it at every step would stall a GPU.
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
    d_gradient = gradient_norm(discriminator.parameters())
    d_optimiser.step()

    g_loss = -logsigmoid(act(discriminator, fake)).mean()
    g_optimiser.zero_grad()
    torch.autograd.backward(g_loss, inputs=list(generator.parameters()))
    g_gradient = gradient_norm(generator.parameters())
    g_optimiser.step()
    measured = Measured(
        d_loss=d_loss,
        g_loss=g_loss,
        d_real=d_real.sigmoid().mean(),
        d_fake=d_fake.sigmoid().mean(),
        d_accuracy=((d_real > 0).float().mean() + (d_fake < 0).float().mean()) / 2,
        d_gradient=d_gradient,
        g_gradient=g_gradient,
    )
    return torch.stack(measured).detach()


def gradient_norm(parameters: Iterable[torch.nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together, ()."""
    return get_total_norm([p.grad for p in parameters if p.grad is not None])
