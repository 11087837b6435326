"""One step of the adversarial game."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.functional import logsigmoid
from torch.nn.utils import get_total_norm

from gan_probe.training.recipe import BETAS

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from gan_probe.network import Network
    from gan_probe.training.recipe import Recipe, Turn


def adam(network: Network, recipe: Recipe) -> torch.optim.Adam:
    """The recipe's optimiser of a network.

    Its L2 term adds `l2` times each parameter to its gradient, as the release's code does (and torch's `weight_decay`):
    the gradient of a cost l2 / 2 * sum(w^2).
    """
    parameters = list(network.parameters())
    fused = parameters[0].is_cuda or None  # one launch, not thirty; elsewhere as torch does by default
    made = torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=BETAS, weight_decay=recipe.l2, fused=fused)

    def own(_: Optimizer, state: dict[str, Any]) -> dict[str, Any]:  # a state may come from another machine
        return state | {"param_groups": [group | {"fused": fused} for group in state["param_groups"]]}

    made.register_load_state_dict_pre_hook(own)
    return made


class Measured(NamedTuple):
    """What one step measures, each a tensor ().

    Losses are in nats. `d_real` and `d_fake` are D's mean probabilities of being real, `d_accuracy` is the share of the
    real and generated images that it tells rightly, all before its update. The gradients' norms are Euclidean, over
    all of a network's parameters, at its last update; before the first, 0.
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
    turn: Turn = "both",
    last: Tensor | None = None,
) -> Tensor:
    """Update D on real (N, C, H, W) and G(z) for z (N, Z), then G by the non-saturating loss; or one of the two.

    `precision` is that of products; weights, batch norm and losses are float32. Returns what `Measured` names, stacked
    and detached: (7,), on the networks' device, since fetching it at every step would stall a GPU. All is from before
    the update, but for G's loss where both are updated, which is that against the new D.
    """
    real = real.contiguous(memory_format=torch.channels_last)

    def act(net: Network, x: Tensor, learns: bool = True) -> Tensor:
        with (
            torch.set_grad_enabled(learns),
            torch.autocast(x.device.type, precision, enabled=precision != torch.float32),
        ):
            y: Tensor = net(x, labels)
        return y if precision == torch.float32 else y.float()

    fake = act(generator, z, turn != "discriminator")
    d_learns = turn != "generator"
    # real and generated images apart: each batch has its own statistics
    d_real = act(discriminator, real, d_learns)
    d_fake = act(discriminator, fake.detach() if d_learns else fake)
    d_loss = -(logsigmoid(d_real).mean() + logsigmoid(-d_fake).mean())
    if d_learns:
        d_optimiser.zero_grad()
        torch.autograd.backward(d_loss)
        d_optimiser.step()

    judged = act(discriminator, fake) if turn == "both" else d_fake
    g_loss = -logsigmoid(judged).mean()
    if turn != "discriminator":
        g_optimiser.zero_grad()
        torch.autograd.backward(g_loss, inputs=list(generator.parameters()))  # D's own are not even computed
        g_optimiser.step()
    measured = Measured(
        d_loss=d_loss,
        g_loss=g_loss,
        d_real=d_real.sigmoid().mean(),
        d_fake=d_fake.sigmoid().mean(),
        d_accuracy=((d_real > 0).float().mean() + (d_fake < 0).float().mean()) / 2,
        # of a network that did not learn now, that of its last update
        d_gradient=gradient_norm(discriminator) if d_learns or last is None else last[-2],
        g_gradient=gradient_norm(generator) if turn != "discriminator" or last is None else last[-1],
    )
    return torch.stack(measured).detach()


def gradient_norm(network: Network) -> Tensor:
    """The Euclidean norm of all of a network's gradients together, (); 0 where none has been taken yet."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return get_total_norm(gradients) if gradients else next(network.parameters()).new_zeros(())
