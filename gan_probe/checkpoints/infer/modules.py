"""What a state dict holds: dense and convolution weights and batch norms, grouped by name, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from gan_probe.checkpoints.weights import COUNTER, check_values
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

LARGEST_KERNEL = 16
MOST_MODULES = 200
STATISTICS = {"running_mean", "running_var"}


@dataclass(frozen=True, eq=False)
class Module:
    """Tensors of one name: `dense` (outputs, inputs), `conv` (a, b, k, k) in either direction, a batch `norm`, ...

    an `instance` norm (channels,) or `layer` norm (C, H, W) without stored statistics, or a `prelu`'s slopes.
    """

    name: str
    kind: Literal["dense", "conv", "norm", "instance", "layer", "prelu"]
    tensors: Mapping[str, Tensor]

    @property
    def weight(self) -> Tensor:
        """The weights, gains or slopes."""
        return self.tensors["weight"]

    @property
    def size(self) -> int:
        """Channels that a norm normalises."""
        return len(self.tensors.get("running_mean", self.weight))


def modules(state: Mapping[str, Tensor]) -> tuple[list[Module], list[str]]:
    """The modules of a state dict in its own order, and notes on what was folded or cast.

    Raises BadInputError for what no plain DCGAN holds: it is named.
    """
    groups: dict[str, dict[str, Tensor]] = {}
    notes: list[str] = []
    casts: set[str] = set()
    for key, value in state.items():
        if value.is_complex() or not value.is_floating_point():
            if key.endswith(COUNTER):
                continue
            raise BadInputError(one_line(f"its {key[-60:]} is {value.dtype}; weights must be floating-point numbers"))
        if value.dtype != torch.float32:
            casts.add(str(value.dtype).removeprefix("torch."))
        check_values(f"its {key[-60:]}", value, variance=key.endswith("running_var"))
        owner, _, leaf = re.sub(r"\.parametrizations\.weight\.", ".", key).rpartition(".")
        if owner.endswith(".0") and leaf in ("_u", "_v"):  # torch.nn.utils.parametrizations.spectral_norm
            owner = owner[:-2]
        groups.setdefault(owner, {})[leaf] = value.detach().float()
    if casts:
        notes.append(f"{', '.join(sorted(casts))} weights were converted to float32")
    if len(groups) > MOST_MODULES:
        raise BadInputError(f"it holds {len(groups)} layers: no DCGAN; say its architecture with --arch")
    found = [_module(name, group, notes) for name, group in groups.items()]
    if not found:
        raise BadInputError("it holds no weights")
    return found, list(dict.fromkeys(notes))


def _module(name: str, group: dict[str, Tensor], notes: list[str]) -> Module:
    group = _folded(group, notes)
    shape = {leaf: tuple(value.shape) for leaf, value in group.items()}
    plain = set(group) <= {"weight", "bias", *STATISTICS}
    if plain and set(group) >= STATISTICS:
        sizes = set(shape.values())
        if len(sizes) == 1 and len(sizes.pop()) == 1:
            ones = torch.ones_like(group["running_mean"])
            return Module(name, "norm", {"weight": ones, "bias": torch.zeros_like(ones), **group})
    if plain and set(group) <= {"weight", "bias"} and "weight" in group:
        dimensions = len(shape["weight"])
        if dimensions == 2:
            return Module(name, "dense", group)
        if dimensions == 4 and shape["weight"][2] == shape["weight"][3] <= LARGEST_KERNEL:
            return Module(name, "conv", group)
        if dimensions == 1:
            return Module(name, "instance" if "bias" in group else "prelu", group)
        if dimensions == 3 and shape["weight"] == shape.get("bias") and shape["weight"][1] == shape["weight"][2]:
            return Module(name, "layer", group)
    what = ", ".join(f"{leaf} {'x'.join(map(str, sizes))}" for leaf, sizes in [*shape.items()][:3])
    raise BadInputError(one_line(f"{name[-40:]!r} ({what}) is no layer of a plain DCGAN; say what it is with --arch"))


def _folded(group: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """Weights that spectral or weight norm keep in parts, multiplied out as they act in evaluation mode."""
    names = {"weight_orig": "weight", "weight_u": "_u", "weight_v": "_v", "original": "weight"}
    if {"weight_g", "weight_v"} == {k for k in group if k != "bias"} or {"original0", "original1"} <= set(group):
        gain, direction = (group.get("weight_g", group.get("original0")), group.get("weight_v", group.get("original1")))
        assert gain is not None and direction is not None  # noqa: S101, PT018  # one of the two pairs is there
        dims = [d for d in range(direction.dim()) if gain.shape[d : d + 1] == (1,)]
        notes.append("weight norm was multiplied into the weights")
        rest = {k: v for k, v in group.items() if k == "bias"}
        return {"weight": direction * (gain / direction.norm(dim=dims, keepdim=True)), **rest}
    if not {"weight_orig", "original"} & set(group):
        return group
    group = {names.get(leaf, leaf): value for leaf, value in group.items()}
    if not {"_u", "_v"} <= set(group):
        raise BadInputError("its spectral norm lacks its u and v vectors; say the architecture with --arch")
    weight, u, v = group["weight"], group.pop("_u"), group.pop("_v")
    for dim in (0, 1):  # transposed convolutions are normalised along their second dimension
        matrix = weight.transpose(0, dim).flatten(1)
        if weight.dim() > 1 and matrix.shape == (len(u), len(v)):
            notes.append("spectral norm was multiplied into the weights")
            return {**group, "weight": weight / (u @ matrix @ v)}
    raise BadInputError("its spectral norm does not fit its weights; the file is damaged")
