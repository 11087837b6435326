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
Activation = Literal["none", "relu", "leaky_relu", "prelu", "elu", "selu", "tanh", "sigmoid"]
Norm = Literal["none", "channel", "unit", "instance", "layer"]
Pooling = Literal["max", "average"]
LARGEST = 1e6  # of a slope, or of what is added to a variance


@dataclass(frozen=True)
class Stage:
    """One layer, in the order it acts: enlarge, concatenate labels, multiply, normalise, reshape, activate, pool.

    `inputs` and `outputs` count channels (features for `linear`, whose input is flattened in C, H, W order) without
    the `labels` one-hot planes that are concatenated first. `norm` is `channel` (over N, H, W) or, behind a dense
    layer as in the authors' release, `unit` (over N, before the reshape to `shape`), both batch norms; or `instance`
    (each map alone) or `layer` (all maps of an image together). `affine` says whether the norm has a learned gain and
    shift. `statistics` says whether a batch norm's running mean and variance are stored; where they are not, the
    batch's own are used. `norm_last` puts the norm behind the activation. `slopes` counts a PReLU's learned ones: 1, or
    one for each channel. `upsample` multiplies height and width of the input, as `interpolation` says; `pool` divides
    those of the output, as `pooling` says. `padding` counts rows and columns at each end, or at the first alone where
    `end_padding` counts those at the other. `border` is of zeros put around the product, in front of the norm: at the
    first end and at the other.
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
    norm: Norm = "none"
    eps: float = 1e-5
    affine: bool = True
    statistics: bool = True
    shape: tuple[int, int, int] | None = None
    activation: Activation = "none"
    slope: float = 0.2
    slopes: int = 1
    norm_last: bool = False
    upsample: int = 1
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    end_padding: int | None = None
    border: tuple[int, int] = (0, 0)
    pool: int = 1
    pooling: Pooling = "max"

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
        return self.unpooled(size) // self.pool

    def unpooled(self, size: int) -> int:
        """Height and width in front of the pooling."""
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
        counts = [stage.inputs, stage.outputs, stage.kernel, stage.stride, stage.upsample, stage.pool, stage.slopes]
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
            or stage.norm not in get_args(Norm)
            or stage.pooling not in get_args(Pooling)
            or stage.slopes not in (1, stage.channels)
            or stage.interpolation not in ("nearest", "bilinear")
            or len(stage.border) != 2
            or (stage.op == "linear" and (stage.upsample, stage.pool) != (1, 1))
            or (stage.op == "linear" and any((*stage.paddings, *stage.border)))
            or (stage.norm in ("instance", "layer") and stage.op == "linear" and stage.shape is None)
            or not all(isinstance(flag, bool) for flag in (stage.bias, stage.affine, stage.statistics, stage.norm_last))
            or (stage.shape is not None and (len(stage.shape) != 3 or math.prod(stage.shape) != stage.outputs))
        ):
            raise BadInputError(one_line(f"a layer of the architecture makes no sense: {stage.to_dict()}"))
        return stage
