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
        self.network = network
        self.decay = decay
        self.updates = 0
        self.weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.updates)
        for name, parameter in self.network.named_parameters():
            self.weights[name].lerp_(parameter, share)

    @torch.no_grad()
    def copy_to(self, network: nn.Module) -> None:
        """Give the network, or a copy of it, the averaged weights; its statistics are then to be recomputed."""
        for name, parameter in network.named_parameters():
            parameter.copy_(self.weights[name])

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs, the network's own weights too: a checkpoint's generator holds the average."""
        last = {name: parameter.detach().clone() for name, parameter in self.network.named_parameters()}
        return {"updates": self.updates, "weights": dict(self.weights), "last": last}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`'s state: the average's and the network's."""
        self.updates = state["updates"]
        for name, parameter in self.network.named_parameters():
            self.weights[name].copy_(state["weights"][name])
            parameter.copy_(state["last"][name])
