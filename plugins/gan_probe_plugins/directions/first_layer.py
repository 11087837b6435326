"""The layer that z enters: its weight, for SeFa, and its activations, for PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from gan_probe import BadInputError

if TYPE_CHECKING:
    from gan_probe import GAN
    from gan_probe.gan import Net
    from gan_probe.sampling import Samples


def weight(net: Net, z_size: int) -> np.ndarray:
    """The first layer's weight as a matrix (F, Z) from z to its output, any bias and norm left aside.

    Raises BadInputError where torch does not run the network, or where z does not enter one plain layer.
    """
    name = net.layers[0].name
    root: Any = getattr(net, "module", net)  # a stranger's own module
    part: Any = root.get_submodule(name) if isinstance(root, nn.Module) else None
    part = getattr(part, "op", part)
    found: torch.Tensor | None = None
    if isinstance(part, nn.Linear):
        found = part.weight
    elif isinstance(part, nn.ConvTranspose2d) and part.groups == 1:
        found = part.weight.flatten(1).T  # (inputs, outputs, height, width) as stored
    elif isinstance(part, nn.Conv2d) and part.groups == 1:
        found = part.weight.movedim(1, -1).flatten(0, 2)
    if found is None or found.shape[1] < z_size:
        raise BadInputError("SeFa needs the weight of a dense layer or a convolution that z enters: none is known here")
    return found[:, :z_size].detach().cpu().double().numpy()  # what labels add comes behind z


def activations(gan: GAN, samples: Samples, batch_size: int) -> np.ndarray:
    """The first layer's outputs behind their activation, flattened, (N, F) float32."""
    net = gan.generator
    assert net is not None  # noqa: S101  # asked by the caller
    name, parts = net.layers[0].name, []
    for start in range(0, len(samples), batch_size):
        part = slice(start, start + batch_size)
        labels = None if samples.labels is None else samples.labels[part]
        found = net.activations(samples.z[part].to(gan.device), [name], labels)[name]
        parts.append(found.flatten(1).float().cpu().numpy())
    return np.concatenate(parts)
