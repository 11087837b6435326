"""The DCGAN generator and discriminator (Radford et al. 2015): a network is a short list of stages.

A `Stage` is one learned layer with what follows it. The list is plain data: it stands in a checkpoint's card,
can be read by a person, edited, and rebuilt without the Python that made it.
"""

from __future__ import annotations

import dataclasses
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor, nn

from gan_probe.errors import BadInputError, one_line
from gan_probe.gan import Layer, Moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Op = Literal["linear", "conv", "conv_transpose"]
Activation = Literal["none", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
SIZES = (16, 32, 64, 128)
LARGEST = 1e6  # of a slope, or of what is added to a variance


@dataclass(frozen=True)
class Stage:
    """One layer, in the order it acts: enlarge, concatenate labels, multiply, batch norm, reshape, activate.

    `inputs` and `outputs` count channels (features for `linear`, whose input is flattened in C, H, W order) without
    the `labels` one-hot planes that are concatenated first. `norm` is `channel` (over N, H, W) or, behind a dense
    layer as in the authors' release, `unit` (over N, before the reshape to `shape`). `statistics` says whether the
    running mean and variance are stored; where they are not, the batch's own are used. `norm_last` puts the norm behind
    the activation. `upsample` multiplies height and width of the input, as `interpolation` says.
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

    @property
    def channels(self) -> int:
        """Channels of the stage's output."""
        return self.shape[0] if self.shape else self.outputs

    def size(self, size: int) -> int:
        """Height and width of the output for an input of height and width `size`."""
        if self.op == "linear":
            return self.shape[1] if self.shape else 1
        size *= self.upsample
        if self.op == "conv":
            return (size + 2 * self.padding - self.kernel) // self.stride + 1
        return (size - 1) * self.stride - 2 * self.padding + self.kernel + self.output_padding

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
            shape = data.get("shape")
            stage = cls(**{**data, "shape": tuple(shape) if shape else None})
        except (TypeError, AttributeError) as error:
            raise BadInputError(f"a layer of the architecture cannot be read: {error}") from None
        counts = [stage.inputs, stage.outputs, stage.kernel, stage.stride, stage.upsample]
        counts += stage.shape or ()
        rest = [stage.padding, stage.output_padding, stage.labels]
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
            or (stage.op == "linear" and stage.upsample != 1)
            or not all(isinstance(flag, bool) for flag in (stage.bias, stage.statistics, stage.norm_last))
            or (stage.shape is not None and (len(stage.shape) != 3 or math.prod(stage.shape) != stage.outputs))
        ):
            raise BadInputError(one_line(f"a layer of the architecture makes no sense: {stage.to_dict()}"))
        return stage


class StageModule(nn.Module):
    """A stage with its weights; its output is the activation that analyses read."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        inputs = stage.inputs + stage.labels
        self.op: nn.Linear | nn.Conv2d | nn.ConvTranspose2d
        if stage.op == "linear":
            self.op = nn.Linear(inputs, stage.outputs, bias=stage.bias)
        elif stage.op == "conv":
            self.op = nn.Conv2d(inputs, stage.outputs, stage.kernel, stage.stride, stage.padding, bias=stage.bias)
        else:
            self.op = nn.ConvTranspose2d(
                inputs, stage.outputs, stage.kernel, stage.stride, stage.padding, stage.output_padding, bias=stage.bias
            )
        self.norm: nn.BatchNorm1d | nn.BatchNorm2d | None = None
        if stage.norm != "none":
            flat = stage.norm == "unit" or (stage.op == "linear" and stage.shape is None)
            features = stage.outputs if flat else stage.channels
            norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
            self.norm = norm(features, eps=stage.eps, track_running_stats=stage.statistics)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Act on x (N, inputs, H, W) or (N, inputs); labels are (N,) class indices where the stage takes any."""
        stage = self.stage
        if stage.op == "linear":
            x = x.flatten(1)  # (N, inputs)
        elif x.dim() == 2:
            x = x[:, :, None, None]  # (N, inputs, 1, 1)
        if stage.upsample > 1:
            x = nn.functional.interpolate(x, scale_factor=stage.upsample, mode=stage.interpolation)
        if stage.labels:
            x = _concatenate_labels(x, labels, stage.labels)
        x = self.op(x)
        if stage.norm_last:
            x = activate(x, stage.activation, stage.slope)
        if stage.norm == "unit" and self.norm is not None:
            x = self.norm(x)
        if stage.shape:
            x = x.reshape(-1, *stage.shape)
        if stage.norm == "channel" and self.norm is not None:
            x = self.norm(x)
        return x if stage.norm_last else activate(x, stage.activation, stage.slope)


def activate(x: Tensor, activation: Activation, slope: float) -> Tensor:
    """The activation of x by its name; `slope` is the leaky ReLU's."""
    match activation:
        case "relu":
            return torch.relu(x)
        case "leaky_relu":
            return nn.functional.leaky_relu(x, slope)
        case "elu":
            return nn.functional.elu(x)
        case "selu":
            return nn.functional.selu(x)
        case "tanh":
            return torch.tanh(x)
        case "sigmoid":
            return torch.sigmoid(x)
        case _:
            return x


def _concatenate_labels(x: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    if labels is None:
        raise BadInputError(f"this network is conditional: pass labels (N,), class indices below {classes}")
    one_hot = nn.functional.one_hot(labels.to(x.device), classes).to(x.dtype)  # (N, classes)
    if x.dim() == 4:
        one_hot = one_hot[:, :, None, None].expand(-1, -1, *x.shape[2:])  # (N, classes, H, W)
    return torch.cat([x, one_hot], dim=1)


class Network(nn.Module):
    """A generator or a discriminator built from stages, named `conv1`, `deconv1`, `dense1`, ... in order."""

    def __init__(self, stages: Sequence[Stage], size: int) -> None:
        """`size` is the height and width of the input (1 for a latent vector)."""
        super().__init__()
        self.stages = tuple(stages)
        self.input_size = size
        counts: dict[str, int] = {}
        layers = []
        for stage in self.stages:
            kind = {"linear": "dense", "conv": "conv", "conv_transpose": "deconv"}[stage.op]
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind}{counts[kind]}"
            size = stage.size(size)
            if size < 1:
                raise BadInputError(f"layer {name} would have a {size}x{size} output: the architecture does not fit")
            with torch.random.fork_rng(devices=[]):  # torch draws weights that we replace: leave the global state alone
                self.add_module(name, StageModule(stage))
            layers.append(Layer(name, kind, stage.channels, size))
        self.layers: tuple[Layer, ...] = tuple(layers)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, Z) to images (N, C, H, W), or images to scores (N, 1)."""
        for stage in self.children():
            x = stage(x, labels)
        return x.flatten(1) if x.shape[1:] == (1, 1, 1) else x  # a score may come out of a convolution

    @torch.no_grad()
    def activations(self, x: Tensor, names: Sequence[str], labels: Tensor | None = None) -> dict[str, Tensor]:
        """Outputs of the named layers, activation included: each (N, C, H, W)."""
        found = {}
        wanted = set(names)
        for name, stage in self.named_children():
            x = stage(x, labels)
            if name in wanted:
                found[name] = x
                if len(found) == len(wanted):
                    break
        return found

    @property
    def norms(self) -> dict[str, nn.BatchNorm1d | nn.BatchNorm2d]:
        """The batch-norm layers by the name of their stage."""
        return {
            name: stage.norm
            for name, stage in self.named_children()
            if isinstance(stage, StageModule) and stage.norm is not None
        }

    @property
    def statistics(self) -> dict[str, Moments] | None:
        """Mean and variance that batch norm uses, by layer; None where the batch's own are used."""
        found: dict[str, Moments] = {}
        for name, norm in self.norms.items():
            if norm.running_mean is None or norm.running_var is None:
                return None
            found[name] = Moments(norm.running_mean.detach().clone(), norm.running_var.detach().clone())
        return found

    @statistics.setter
    def statistics(self, statistics: dict[str, Moments] | None) -> None:
        for name, norm in self.norms.items():
            norm.track_running_stats = statistics is not None
            like = norm.weight
            norm.running_mean = None if statistics is None else statistics[name].mean.to(like).clone()
            norm.running_var = None if statistics is None else statistics[name].variance.to(like).clone()

    @torch.no_grad()
    def moments(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Moments]:
        """Biased mean and variance of each batch norm's input when every layer before normalises by this batch."""
        found: dict[str, Moments] = {}

        def record(name: str, values: Tensor) -> None:
            dims = [d for d in range(values.dim()) if d != 1]
            found[name] = Moments(values.mean(dims), values.var(dims, unbiased=False))

        with self._by_batch():
            hooks = [
                norm.register_forward_pre_hook(lambda _, args, name=name: record(name, args[0]))
                for name, norm in self.norms.items()
            ]
            try:
                self(x, labels)
            finally:
                for hook in hooks:
                    hook.remove()
        return found

    def random_twin(self, generator: torch.Generator) -> Network:
        """The same architecture with weights drawn as the paper initialises them, on the same device."""
        twin = initialise(Network(self.stages, self.input_size), generator)
        return twin.eval().to(next(self.parameters()).device)

    @contextmanager
    def _by_batch(self) -> Iterator[None]:
        kept = self.statistics
        self.statistics = None
        try:
            yield
        finally:
            self.statistics = kept


def initialise(network: Network, generator: torch.Generator) -> Network:
    """Draw all weights as the paper does: N(0, 0.02), gains N(1, 0.02), biases 0; in place, from a CPU generator."""
    for parameter in network.parameters():
        mean = 1.0 if parameter.dim() == 1 else 0.0
        values = torch.empty(parameter.shape).normal_(mean, 0.02, generator=generator)
        parameter.data.copy_(values)
    for module in network.modules():
        if isinstance(bias := getattr(module, "bias", None), nn.Parameter):
            nn.init.zeros_(bias)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.reset_running_stats()
    return network


def generator_stages(
    image_size: int = 64,
    channels: int = 3,
    z_size: int = 100,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
) -> tuple[Stage, ...]:
    """The generator: project and reshape to 4x4, then fractionally-strided convolutions up to the image (Figure 1).

    `width` counts the maps of the last hidden layer and doubles towards the latent vector; `depth` 2 sets a stride-1
    layer behind every stride-2 one, as the release's 3x3 six-layer model for 32 pixels does.
    """
    _check(image_size, kernel, depth)
    doublings = int(math.log2(image_size // 4))
    maps = width * 2 ** (doublings - 1)
    stages = [Stage("linear", z_size, maps * 16, labels=classes, norm="channel", shape=(maps, 4, 4), activation="relu")]
    geometry = _geometry(kernel)
    for step in range(doublings):
        last = step == doublings - 1
        outputs = maps if last else maps // 2
        for repeat in range(depth):
            final = last and repeat == depth - 1
            stages.append(
                Stage(
                    "conv_transpose",
                    stages[-1].channels,
                    channels if final else outputs,
                    stride=2 if repeat == 0 else 1,
                    output_padding=(kernel % 2 if repeat == 0 else 0),
                    norm="none" if final else "channel",
                    activation="tanh" if final else "relu",
                    **geometry,
                )
            )
        maps = outputs
    return tuple(stages)


def discriminator_stages(
    image_size: int = 64,
    channels: int = 3,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
) -> tuple[Stage, ...]:
    """The discriminator: strided convolutions down to 4x4, flattened into one logit; no batch norm at its input.

    `width` counts the maps of the first layer and doubles with each halving of the image; `depth` 2 sets a stride-1
    layer in front of every stride-2 one: with 3x3 kernels and 32 pixels, the release's six-layer network.
    """
    _check(image_size, kernel, depth)
    stages: list[Stage] = []
    for step in range(int(math.log2(image_size // 4))):
        for repeat in range(depth):
            stages.append(
                Stage(
                    "conv",
                    stages[-1].channels if stages else channels,
                    width * 2**step,
                    stride=2 if repeat == depth - 1 else 1,
                    labels=classes if not stages else 0,
                    norm="channel" if stages else "none",
                    activation="leaky_relu",
                    **_geometry(kernel),
                )
            )
    stages.append(Stage("linear", stages[-1].outputs * 16, 1))
    return tuple(stages)


def _geometry(kernel: int) -> dict[str, Any]:
    # an odd kernel is centred ("same" at stride 1); the even 4x4 of most PyTorch ports pads by 1
    return {"kernel": kernel, "padding": (kernel - 1) // 2}


def _check(image_size: int, kernel: int, depth: int) -> None:
    if image_size not in SIZES:
        raise BadInputError(f"image size {image_size} is not one of {', '.join(map(str, SIZES))}")
    if kernel not in (3, 4, 5):
        raise BadInputError(f"kernel size {kernel} is not 3, 4 or 5")
    if depth not in (1, 2) or (depth == 2 and kernel == 4):
        raise BadInputError("depth is 1, or 2 with odd kernels: a 4x4 kernel cannot keep the size at stride 1")
