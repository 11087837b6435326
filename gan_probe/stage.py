"""A network as plain data: a short list of stages, each one learned layer with what follows it.

The list stands in a checkpoint's card, can be read by a person, edited, and rebuilt without the Python that made it.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gan_probe.errors import BadInputError, one_line

Op = Literal["linear", "conv", "conv_transpose"]
Activation = Literal["none", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
LARGEST = 1e6  # of a slope, or of what is added to a variance


@dataclass(frozen=True)
class Stage:
    """One layer, in the order it acts: enlarge, concatenate labels, multiply, batch norm, reshape, activate.

    `inputs` and `outputs` count channels (features for `linear`, whose input is flattened in C, H, W order) without
    the `labels` one-hot planes that are concatenated first. `norm` is `channel` (over N, H, W) or, behind a dense
    layer as in the authors' release, `unit` (over N, before the reshape to `shape`). `statistics` says whether the
    running mean and variance are stored; where they are not, the batch's own are used. `norm_last` puts the norm behind
    the activation. `upsample` multiplies height and width of the input, as `interpolation` says. `padding` counts rows
    and columns at each end, or at the first alone where `end_padding` counts those at the other. `border` is of zeros
    put around the product, in front of the norm: at the first end and at the other.
    """

    op: Op
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    bias: bool = False
    labels: int = 0
    norm: Literal["none", "channel", "unit"] = "none"
    eps: float = 1e-5
    statistics: bool = True
    shape: tuple[int, int, int] | None = None
    activation: Activation = "none"
    slope: float = 0.2
    norm_last: bool = False
    upsample: int = 1
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    end_padding: int | None = None
    border: tuple[int, int] = (0, 0)

    @property
    def paddings(self) -> tuple[int, int]:
        """Rows and columns added to a convolution's input, or cut off a transposed one's output, at either end."""
        return self.padding, self.padding if self.end_padding is None else self.end_padding

    @property
    def channels(self) -> int:
        """Channels of the stage's output."""
        return self.shape[0] if self.shape else self.outputs

    def size(self, size: int) -> int:
        """Height and width of the output for an input of height and width `size`."""
        if self.op == "linear":
            return self.shape[1] if self.shape else 1
        size *= self.upsample
        padding, border = sum(self.paddings), sum(self.border)
        if self.op == "conv":
            return (size + padding - self.kernel) // self.stride + 1 + border
        return (size - 1) * self.stride - padding + self.kernel + self.output_padding + border

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain data."""
        return {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in dataclasses.fields(self)
            if f.default is dataclasses.MISSING or getattr(self, f.name) != f.default
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Stage:
        """The inverse of `to_dict`; unknown or missing fields and senseless numbers are a BadInputError."""
        try:
            shape, border = data.get("shape"), data.get("border", (0, 0))
            stage = cls(**{**data, "shape": tuple(shape) if shape else None, "border": tuple(border)})
        except (TypeError, AttributeError) as error:
            raise BadInputError(f"a layer of the architecture cannot be read: {error}") from None
        counts = [stage.inputs, stage.outputs, stage.kernel, stage.stride, stage.upsample]
        counts += stage.shape or ()
        rest = [*stage.paddings, stage.output_padding, stage.labels, *stage.border]
        whole = all(type(n) is int and n >= low for low, numbers in ((1, counts), (0, rest)) for n in numbers)
        # not math.isfinite: JSON knows whole numbers that no float can hold
        real = all(type(x) in (int, float) and 0 <= x <= LARGEST for x in (stage.eps, stage.slope))
        if not whole or not real:
            raise BadInputError(one_line(f"a layer of the architecture has impossible numbers: {stage.to_dict()}"))
        if (
            stage.op not in ("linear", "conv", "conv_transpose")
            or stage.activation not in get_args(Activation)
            or stage.norm not in ("none", "channel", "unit")
            or stage.interpolation not in ("nearest", "bilinear")
            or (stage.op == "linear" and (stage.upsample != 1 or any((*stage.paddings, *stage.border))))
            or len(stage.border) != 2
            or not all(isinstance(flag, bool) for flag in (stage.bias, stage.statistics, stage.norm_last))
            or (stage.shape is not None and (len(stage.shape) != 3 or math.prod(stage.shape) != stage.outputs))
        ):
            raise BadInputError(one_line(f"a layer of the architecture makes no sense: {stage.to_dict()}"))
        return stage
