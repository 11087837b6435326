"""What one layer makes of a batch, under many geometries at once: paddings are crops of one product."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from gan_probe.network import activate
from gan_probe.stage import Activation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.checkpoints.infer.geometry import Geometry
    from gan_probe.checkpoints.infer.modules import Module

JUDGED = 48  # channels that a product is judged by
MACS, VALUES = 2e8, 2e6  # multiplications for one product, and numbers in it: tenths of a second
Bend = tuple[Activation, float]  # an activation and its slope
NONE: Bend = ("none", 0.2)


@dataclass(eq=False)
class Whole:
    """A product before it is cropped, (N, C, H, W) or (N, units), and sums over N behind each activation asked for."""

    values: Tensor
    sums: dict[Bend, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def moments(self, bend: Bend) -> tuple[Tensor, Tensor]:
        """Mean and mean square over N behind an activation: each (C, H, W) or (units,)."""
        if bend not in self.sums:
            x = activate(self.values, *bend)
            self.sums[bend] = (x.mean(0), x.square().mean(0))
        return self.sums[bend]


@dataclass(frozen=True, eq=False)
class Product:
    """One geometry's part of a product."""

    whole: Whole
    part: slice
    full: Callable[[], Product] | None = None  # with all channels, where only some were made to be judged

    def values(self) -> Tensor:
        """The numbers themselves, (N, C, size, size) or (N, units)."""
        x = self.whole.values
        return x[:, :, self.part, self.part] if x.dim() == 4 else x

    def moments(self, bend: Bend, by_unit: bool) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel, or of each unit, behind an activation."""
        first, second = self.whole.moments(bend)
        if first.dim() == 3:
            first, second = first[:, self.part, self.part], second[:, self.part, self.part]
            if by_unit:
                first, second = first.flatten(), second.flatten()
            else:
                first, second = first.mean((1, 2)), second.mean((1, 2))
        return first, (second - first.square()).clamp(min=0)


def normalised_alone(product: Product, bend: Bend, norm: Module) -> Tensor:
    """The values behind activation and a norm that looks at one image: at each map (instance) or at all (layer)."""
    x = activate(product.values(), *bend)
    weight, bias = norm.weight, norm.tensors["bias"]
    if norm.kind == "layer":
        return functional.layer_norm(x, list(weight.shape), weight, bias)
    return functional.instance_norm(x, weight=weight, bias=bias)


def judged(block: Block) -> Tensor | None:
    """The channels by which a layer's readings are compared; None where there are few enough to take them all."""
    if block.op == "linear" or block.outputs <= 2 * JUDGED or not block.keeps_statistics:
        return None
    return torch.arange(0, block.outputs, block.outputs // JUDGED)


def products(
    block: Block, x: Tensor, wanted: Sequence[Geometry], more: int = 1, some: Tensor | None = None, fewest: int = 32
) -> Iterator[tuple[Geometry, Product]]:
    """What the layer makes of x (N, C, H, W) or (N, inputs) under each geometry, with `more` times the work.

    Of its channels only `some` are made, and all of them when the product's `full` is called. A costly layer is shown
    no more than the `fewest` of x.
    """
    weight, bias = block.module.weight, block.module.tensors.get("bias")
    if some is not None:
        weight = weight[:, some] if block.op == "conv_transpose" else weight[some]
        bias = None if bias is None else bias[some]
    if block.op == "linear":
        y = functional.linear(x.flatten(1), weight, bias)
        whole = Whole(y.view(len(y), -1, block.reshape, block.reshape) if block.reshape else y)
        yield from ((geometry, Product(whole, slice(None))) for geometry in wanted)
        return
    if x.dim() == 2:
        x = x[:, :, None, None]
    ways: dict[tuple[object, ...], list[Geometry]] = {}
    for g in wanted:
        padding = g.padding if block.op == "conv" and g.stride > 1 else 0
        ways.setdefault((g.upsample, g.interpolation, g.stride, padding), []).append(g)
    for group in ways.values():
        g = group[0]
        side = x.shape[-1] * g.upsample
        macs = (
            weight.shape[0] * weight.shape[1] * block.kernel**2 * side**2 / (g.stride**2 if block.op == "conv" else 1)
        )
        values = (block.outputs if some is None else len(some)) * max(h.made for h in group) ** 2
        first = max(fewest, int(more * min(MACS / macs, VALUES / values)))
        maps = x[:first]
        if g.upsample > 1:
            maps = functional.interpolate(maps, scale_factor=g.upsample, mode=g.interpolation)
        most = 0
        if block.op == "conv_transpose":
            y = functional.conv_transpose2d(maps, weight, bias, g.stride, 0, g.stride - 1)
            starts = [h.padding for h in group]
        elif g.stride > 1:
            y = functional.conv2d(maps, weight, bias, g.stride, g.padding)
            starts = [0] * len(group)
        else:
            most = max(h.padding for h in group)
            y = functional.conv2d(maps, weight, bias, 1, most)
            starts = [most - h.padding for h in group]
        whole = Whole(y)
        for h, start in zip(group, starts, strict=True):
            full = None if some is None else functools.partial(_whole, block, x[:first], h)
            yield h, Product(whole, slice(start, start + h.made), full)


def _whole(block: Block, x: Tensor, geometry: Geometry) -> Product:
    return next(iter(products(block, x, [geometry], fewest=len(x))))[1]


def normalised(product: Product, bend: Bend, by_unit: bool, tensors: dict[str, Tensor], eps: float) -> Tensor:
    """The values behind activation and batch norm, normalised by the batch."""
    product = product.full() if product.full else product
    x = activate(product.values(), *bend)
    mean, variance = product.moments(bend, by_unit)
    scale = tensors["weight"] / torch.sqrt(variance + eps)
    shift = tensors["bias"] - mean * scale
    shape = (1, *x.shape[1:]) if by_unit else (1, -1, *[1] * (x.dim() - 2))
    return x * scale.view(shape) + shift.view(shape)
