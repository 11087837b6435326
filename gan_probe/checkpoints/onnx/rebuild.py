"""An ONNX network rebuilt in torch, for analyses that need gradients, and compared with what onnxruntime gives."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe.checkpoints.weights import check_stages
from gan_probe.errors import BadInputError
from gan_probe.gan import Card
from gan_probe.network import Network

if TYPE_CHECKING:
    from torch import Tensor

    from gan_probe.checkpoints.onnx.net import OnnxNet

TOLERANCE = 1e-4  # between torch and onnxruntime, times the largest value of a layer where that is above 1
PROBES = 8


def rebuild(net: OnnxNet) -> Network:
    """A torch network, frozen and in evaluation mode, whose layers give what those of `net` give.

    Raises BadInputError for a graph that is no plain chain, and where the two differ by more than 1e-4 on random
    inputs.
    """
    chain = net.chain()
    stored = net.statistics is not None
    stages = tuple(dataclasses.replace(stage, statistics=stored or stage.norm == "none") for stage, _ in chain)
    channels, size = net.image_shape
    card = Card("", "ONNX", size, channels, z_size=net.z_size if net.role == "generator" else 1)
    classes = max((stage.labels for stage in stages), default=0)
    card = dataclasses.replace(card, classes=tuple(map(str, range(classes))))
    check_stages(card, net.role, stages)
    with torch.device("meta"):
        rebuilt = Network(stages, 1 if net.role == "generator" else size)
    state: dict[str, Tensor] = {}
    for layer, (_, weights) in zip(rebuilt.layers, chain, strict=True):
        for name, array in weights.items():
            state[f"{layer.name}.{name}"] = torch.from_numpy(np.array(array, np.float32))
    for name, wanted in rebuilt.state_dict().items():
        state.setdefault(name, torch.tensor(0))  # the counter of batches, which no graph holds
        if state[name].shape != wanted.shape:
            raise BadInputError(f"its {name} is {tuple(state[name].shape)}, not {tuple(wanted.shape)}")
    rebuilt.load_state_dict({name: state[name] for name in rebuilt.state_dict()}, assign=True)
    rebuilt.eval().requires_grad_(False)
    _compare(net, rebuilt, card)
    return rebuilt


def _compare(net: OnnxNet, rebuilt: Network, card: Card) -> None:
    names = [layer.name for layer in net.layers]
    if names != [layer.name for layer in rebuilt.layers]:
        raise BadInputError(f"its layers {', '.join(names)} are not those of a plain DCGAN")
    rng = np.random.default_rng(0)
    shape = (card.z_size,) if net.role == "generator" else (card.channels, card.image_size, card.image_size)
    n = max(PROBES, len(card.classes))
    x = torch.from_numpy(rng.uniform(-1, 1, (n, *shape)).astype(np.float32))
    labels = torch.arange(n) % len(card.classes) if card.classes else None
    with torch.no_grad():
        ours = {**rebuilt.activations(x, names, labels), "output": rebuilt(x, labels)}
    theirs = {**net.activations(x, names, labels), "output": net(x, labels)}
    for name, values in theirs.items():
        worst = float((ours[name].flatten(1) - values.flatten(1)).abs().max() / values.abs().max().clamp(min=1))
        if not worst <= TOLERANCE:
            raise BadInputError(f"rebuilt in torch it differs from onnxruntime by {worst:.2g} in {name}")
