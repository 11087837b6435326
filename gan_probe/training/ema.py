"""A moving average of the generator's weights, steadier than the weights themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import nn


class MovingAverage:
    """The exponential moving average of a network's parameters over the updates so far.

    `decay` is the share of the past kept at an update. The initial weights have no part in it: the average is over the
    updates alone, with weights decay^age that add up to 1 (Adam's bias correction).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.updates)
        parameters = dict(network.named_parameters())
        torch._foreach_lerp_(list(self.weights.values()), [parameters[name] for name in self.weights], share)

    @torch.no_grad()
    def copy_to(self, network: nn.Module) -> None:
        """Give the network the averaged weights; batch-norm statistics are to be recomputed for them."""
        for name, parameter in network.named_parameters():
            parameter.copy_(self.weights[name])

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs: plain tensors and a number."""
        return {"updates": self.updates, "weights": dict(self.weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`'s state, of a network of the same parameters."""
        self.updates = state["updates"]
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])
