"""A moving average of the generator's weights, steadier than the weights themselves."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from gan_probe.network import Network


class MovingAverage:
    """The exponential moving average of a network's parameters over the updates so far.

    `decay` is the share of the past kept at an update. The initial weights have no part in it: the average is over the
    updates alone, with weights decay^age that add up to 1 (Adam's bias correction).
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = network
        self.decay = decay
        self.updates = 0
        self.weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.updates)
        torch._foreach_lerp_(list(self.weights.values()), list(self.network.parameters()), share)

    @torch.no_grad()
    def averaged(self) -> Network:
        """A copy of the network with the averaged weights; its statistics are then to be recomputed."""
        twin = copy.deepcopy(self.network)
        for name, parameter in twin.named_parameters():
            parameter.copy_(self.weights[name])
        return twin

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs beside the network's own weights: plain tensors and a number."""
        return {"updates": self.updates, "weights": dict(self.weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`'s state, of a network of the same parameters."""
        self.updates = state["updates"]
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])
