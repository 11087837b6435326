"""Layers met one after the other, put together as stages with their weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from gan_probe.errors import BadInputError
from gan_probe.stage import Activation, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from torch import Tensor

    from gan_probe.stage import Op


class Assembly:
    """The stages so far, and the side and channels of what they make.

    Every method takes what acts next, weights in torch's layouts, and raises BadInputError where no list of stages can
    say it. `channels_last` tells that units are counted in H, W, C order where maps are flattened or cut out of them.
    """

    def __init__(self, channels: int, size: int, channels_last: bool = False) -> None:
        """`channels` x `size` x `size` go in: images, or latents with a size of 1."""
        self.channels, self.size, self.flat = channels, size, size == 1
        self.channels_last = channels_last
        self.stages: list[Stage] = []
        self._weights: list[dict[str, Tensor]] = []
        self._upsample: tuple[int, Literal["nearest", "bilinear"]] = (1, "nearest")
        self._padding = (0, 0)
        self._bent = False  # whether the last stage has its activation

    @property
    def side(self) -> int:
        """Height and width of what the next layer meets, enlarged and padded."""
        return self.size * self._upsample[0] + sum(self._padding)

    def layer(
        self,
        op: Op,
        weight: Tensor,
        bias: Tensor | None,
        stride: int = 1,
        paddings: tuple[int, int] = (0, 0),
        output_padding: int = 0,
    ) -> None:
        """A dense layer, a convolution or a transposed one."""
        ways = (1, 0) if op == "conv_transpose" else (0, 1)
        outputs, inputs = (weight.shape[i] for i in ways)
        if op == "linear":
            weight = self._from_maps(weight)
        elif self.flat and self.size != 1:
            raise BadInputError("it convolves units that were never cut into maps")
        wanted = self.channels if op != "linear" else self.channels * self.size**2
        if inputs != wanted:
            raise BadInputError(f"it takes {inputs} inputs where {wanted} are made")
        if any(self._padding) and op != "conv":
            raise BadInputError("zeros are put around what a convolution does not take")
        if self._upsample[0] > 1 and op == "linear":
            raise BadInputError("it enlarges what a dense layer takes")
        begin, end = (a + b for a, b in zip(self._padding, paddings, strict=True))
        stage = Stage(
            op,
            inputs,
            outputs,
            1 if op == "linear" else weight.shape[2],
            stride,
            begin,
            output_padding,
            bias=bias is not None,
            upsample=self._upsample[0],
            interpolation=self._upsample[1],
            end_padding=None if begin == end else end,
        )
        self.size = stage.size(self.size)
        if self.size < 1:
            raise BadInputError(f"its output would be {self.size}x{self.size}")
        self.channels, self.flat, self._bent = outputs, op == "linear", False
        self._upsample, self._padding = (1, "nearest"), (0, 0)
        self.stages.append(stage)
        self._weights.append({"op.weight": weight} | ({} if bias is None else {"op.bias": bias}))

    def norm(self, tensors: Mapping[str, Tensor], eps: float) -> None:
        """A batch norm: weight, bias, running_mean and running_var, each (channels,)."""
        stage = self._last("a batch norm")
        if stage.norm != "none":
            raise BadInputError("a second batch norm follows the first")
        channels = len(tensors["running_mean"])
        if channels != self.channels:
            raise BadInputError(f"a batch norm is of {channels} channels where {self.channels} are made")
        self.stages[-1] = replace(stage, norm="channel", eps=eps, norm_last=self._bent and stage.activation != "none")
        self._weights[-1] |= {f"norm.{name}": value for name, value in tensors.items()}

    def activation(self, name: str, slope: float = 0.2) -> None:
        """What bends the values, by the name that stages have for it."""
        if name == "none":
            return
        if name not in get_args(Activation):
            raise BadInputError(f"the activation {name[:40]!r} is not known")
        stage = self._last("an activation")
        if self._bent:
            raise BadInputError("a second activation follows the first")
        self.stages[-1] = replace(
            stage,
            activation=name,  # type: ignore[arg-type]  # checked above
            slope=slope if name == "leaky_relu" else stage.slope,
        )
        self._bent = True

    def reshape(self, channels: int, size: int) -> None:
        """Cut units into maps."""
        if (channels, size) == (self.channels, self.size):
            return
        if not self.flat or channels * size**2 != self.channels or not self.stages:
            raise BadInputError(f"{self.channels}x{self.size}x{self.size} values are cut into {channels}x{size}x{size}")
        stage, weights = self.stages[-1], self._weights[-1]
        norm: Literal["none", "channel", "unit"] = "none" if stage.norm == "none" else "unit"
        self.stages[-1] = replace(stage, shape=(channels, size, size), norm=norm)
        if self.channels_last:
            order = _by_channel(channels, size)
            self._weights[-1] = {name: value[order] for name, value in weights.items()}
        self.channels, self.size, self.flat = channels, size, False

    def flatten(self) -> None:
        """Maps to units."""
        self.flat = True

    def upsample(self, times: int, interpolation: Literal["nearest", "bilinear"] = "nearest") -> None:
        """Enlarge height and width."""
        self._hold("an enlargement")
        self._upsample = (times, interpolation)

    def pad(self, begin: int, end: int) -> None:
        """Put zeros around the maps."""
        if self.flat or min(begin, end) < 0:
            raise BadInputError("zeros are put around units, or cut off")
        stage = self.stages[-1] if self.stages else None
        plain = stage is not None and stage.op != "linear" and stage.norm == "none" and not self._bent
        if plain and stage is not None and self._upsample[0] == 1:
            a, b = stage.border
            self.stages[-1] = replace(stage, border=(a + begin, b + end))
            self.size += begin + end
            return
        a, b = self._padding
        self._padding = (a + begin, b + end)

    def without_last_sigmoid(self) -> bool:
        """Drop a sigmoid that ends the chain, so that it ends in a logit; whether there was one."""
        if not self.stages or self.stages[-1].activation != "sigmoid":
            return False
        self.stages[-1] = replace(self.stages[-1], activation="none")
        return True

    def weights(self, size: int) -> dict[str, Tensor]:
        """The tensors under the names that `Network` gives them; `size` is that of its input."""
        import torch

        from gan_probe.network import Network

        with torch.device("meta"):
            net = Network(self.stages, size)
        return {
            f"{layer.name}.{name}": value.contiguous()
            for layer, part in zip(net.layers, self._weights, strict=True)
            for name, value in part.items()
        }

    def _last(self, what: str) -> Stage:
        self._hold(what)
        if not self.stages:
            raise BadInputError(f"{what} stands in front of the first layer")
        return self.stages[-1]

    def _hold(self, what: str) -> None:
        if any(self._padding) or self._upsample[0] > 1:
            raise BadInputError(f"{what} stands between enlarged or padded maps and their convolution")

    def _from_maps(self, weight: Tensor) -> Tensor:
        if self.channels_last and self.size > 1:
            return weight[:, _by_channel(self.channels, self.size)]
        return weight


def _by_channel(channels: int, size: int) -> Tensor:
    """The places in H, W, C order of the units counted in C, H, W order."""
    import torch

    return torch.arange(channels * size**2).reshape(size, size, channels).permute(2, 0, 1).flatten()
