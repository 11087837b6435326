"""One stage of an ONNX graph in the making, and the geometry of its convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from gan_probe.errors import BadInputError
from gan_probe.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Part:
    """A stage in the making: the fields of its `Stage` so far, and its weights as `Network` names them."""

    fields: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Channels, or features of a dense layer; 0 where nothing has been multiplied yet."""
        return int(self.fields.get("outputs", 0))

    @property
    def bent(self) -> bool:
        """Whether the activation is behind it."""
        return "activation" in self.fields

    @property
    def normal(self) -> bool:
        """Whether the norm is behind it."""
        return "norm" in self.fields

    @property
    def stage(self) -> Stage:
        """The stage as it is; BadInputError for senseless numbers."""
        unit = self.fields.get("norm") == "unit" and "shape" not in self.fields  # there the two are one
        fields = self.fields | ({"norm": "channel"} if unit else {})
        return Stage.from_dict(fields | {"bias": "op.bias" in self.weights})

    def scale(self, factor: np.ndarray, shift: np.ndarray) -> None:
        """Draw `x * factor + shift`, by channel or by feature, into the norm or the product in front of it."""
        key = "norm" if self.normal else "op"
        gain = self.weights[f"{key}.weight"]
        axis = 1 if self.fields["op"] == "conv_transpose" and not self.normal else 0
        repeat = gain.shape[axis] // len(factor)  # a dense layer's features are several to a channel
        factor, shift = (np.repeat(values, repeat).astype(gain.dtype) for values in (factor, shift))
        self.weights[f"{key}.weight"] = gain * np.expand_dims(factor, [d for d in range(gain.ndim) if d != axis])
        self.weights[f"{key}.bias"] = self.weights.get(f"{key}.bias", np.zeros_like(factor)) * factor + shift


def convolution(
    node: onnx.NodeProto, weight: Sequence[int], sizes: tuple[Sequence[int], Sequence[int]]
) -> dict[str, Any]:
    """A stage's fields for a Conv or ConvTranspose of a `weight` of this shape; `sizes` are the input's and output's.

    BadInputError where they are not the same for height and width, or where there are groups or dilations.
    """
    given = attributes(node)
    transposed = node.op_type == "ConvTranspose"
    plain = all(n == 1 for n in given.get("dilations", [])) and given.get("group", 1) == 1
    strides = given.get("strides", [1, 1])
    if len(weight) != 4 or not plain or weight[2] != weight[3] or len(set(strides)) != 1:
        raise refused(node, f"with a kernel of {tuple(weight[2:])}, strides {strides}, groups or dilations")
    before, after = _pads(given, transposed, weight[2], strides[0], sizes)
    sides = zip(before, after, given.get("output_padding", [0, 0]), strict=True)
    # what is cut off less at the far end than in front is the same as an output padding
    extra = {b - a + o for b, a, o in sides}
    most = strides[0] if transposed else 1
    if len(set(before)) != 1 or before[0] < 0 or len(extra) != 1 or not 0 <= min(extra) < most:
        raise refused(node, f"with pads {[*before, *after]}")
    return {
        "op": "conv_transpose" if transposed else "conv",
        "inputs": weight[0 if transposed else 1],
        "outputs": weight[1 if transposed else 0],
        "kernel": weight[2],
        "stride": strides[0],
        "padding": before[0],
        "output_padding": min(extra),
    }


def _pads(
    given: dict[str, Any], transposed: bool, kernel: int, stride: int, sizes: tuple[Sequence[int], Sequence[int]]
) -> tuple[list[int], list[int]]:
    """Pads in front and behind, height and width; from the sizes where the file leaves them to the runtime."""
    automatic = given.get("auto_pad", b"NOTSET").decode()
    if automatic in ("NOTSET", "VALID") and "output_shape" not in given:
        pads = list(given.get("pads", [0] * 4)) if automatic == "NOTSET" else [0] * 4
        return pads[:2], pads[2:]
    added = given.get("output_padding", [0, 0])
    if transposed:
        totals = [(i - 1) * stride + kernel + a - o for i, o, a in zip(*sizes, added, strict=True)]
    else:
        totals = [max(0, (o - 1) * stride + kernel - i) for i, o in zip(*sizes, strict=True)]
    less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
    # only SAME_UPPER puts the odd pixel behind, for a transposed convolution as for a plain one
    return (less, more) if automatic == "SAME_UPPER" else (more, less)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name, as Python values."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def written(value: float) -> float:
    """A float32 as a person would write it: 0.2, not 0.20000000298."""
    return float(str(np.float32(value)))


def refused(node: onnx.NodeProto, how: str = "") -> BadInputError:
    """The error that names an operator which no stage holds."""
    return BadInputError(f"its operator {node.op_type}{f' {how}' if how else ''} is no part of a plain DCGAN")
