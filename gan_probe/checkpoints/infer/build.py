"""From a reading to a network that holds the tensors it was read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from gan_probe.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.stage import Stage


def built(stages: Sequence[Stage], size: int, blocks: Sequence[Block]) -> Network:
    """The network, frozen and in evaluation mode; `size` is that of its input."""
    with torch.device("meta"):
        net = Network(stages, size)
    state = named(net, blocks)
    for name in net.state_dict():
        if name not in state:
            state[name] = torch.tensor(0)  # torch's counter of batches
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)


def named(net: Network, blocks: Sequence[Block]) -> dict[str, Tensor]:
    """The tensors under the names that `Network` gives them."""
    found = {}
    for layer, block in zip(net.layers, blocks, strict=True):
        for leaf, value in block.module.tensors.items():
            found[f"{layer.name}.op.{leaf}"] = value.contiguous()
        if block.norm:
            for leaf, value in block.norm.tensors.items():
                found[f"{layer.name}.norm.{leaf}"] = value.contiguous()
        if block.prelu:
            found[f"{layer.name}.prelu.weight"] = block.prelu.weight.contiguous()
    return found
