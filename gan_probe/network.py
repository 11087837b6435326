"""A list of stages as a torch network whose layers can be read and whose batch-norm statistics can be exchanged."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gan_probe.errors import BadInputError
from gan_probe.gan import Layer, Moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gan_probe.stage import Activation, Pooling, Stage


class StageModule(nn.Module):
    """A stage with its weights; its output is the activation that analyses read."""

    def __init__(self, stage: Stage, size: int = 1) -> None:
        """`size` is the height and width of the input; only layer norm needs it."""
        super().__init__()
        self.stage = stage
        inputs = stage.inputs + stage.labels
        self._even = min(stage.paddings)  # torch's own pads both ends alike; `forward` does the rest
        self.op: nn.Linear | nn.Conv2d | nn.ConvTranspose2d
        if stage.op == "linear":
            self.op = nn.Linear(inputs, stage.outputs, bias=stage.bias)
        elif stage.op == "conv":
            self.op = nn.Conv2d(inputs, stage.outputs, stage.kernel, stage.stride, self._even, bias=stage.bias)
        else:
            self.op = nn.ConvTranspose2d(
                inputs, stage.outputs, stage.kernel, stage.stride, self._even, stage.output_padding, bias=stage.bias
            )
        self.norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d | nn.LayerNorm | None = None
        if stage.norm == "instance":
            self.norm = nn.InstanceNorm2d(stage.channels, eps=stage.eps, affine=stage.affine)
        elif stage.norm == "layer":
            shape = [stage.channels, *[stage.unpooled(size)] * 2]
            self.norm = nn.LayerNorm(shape, eps=stage.eps, elementwise_affine=stage.affine)
        elif stage.norm != "none":
            flat = stage.norm == "unit" or (stage.op == "linear" and stage.shape is None)
            features = stage.outputs if flat else stage.channels
            norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
            self.norm = norm(features, stage.eps, affine=stage.affine, track_running_stats=stage.statistics)
        self.prelu = nn.PReLU(stage.slopes) if stage.activation == "prelu" else None

    def forward(self, x: Tensor, labels: Tensor | None = None, *, inplace: bool = False) -> Tensor:
        """Act on x (N, inputs, H, W) or (N, inputs); labels are (N,) class indices where the stage takes any.

        `inplace` writes the activation over what it was computed from, which only works where no gradient is taken.
        """
        stage = self.stage
        if stage.op == "linear":
            x = x.flatten(1)  # (N, inputs)
        elif x.dim() == 2:
            x = x[:, :, None, None]  # (N, inputs, 1, 1)
        if stage.upsample > 1:
            x = nn.functional.interpolate(x, scale_factor=stage.upsample, mode=stage.interpolation)
        if stage.labels:
            x = _concatenate_labels(x, labels, stage.labels)
        x = self._product(x)
        if stage.norm_last:
            x = self._activate(x, inplace)
        if stage.norm == "unit" and self.norm is not None:
            x = self.norm(x)
        if stage.shape:
            x = x.reshape(-1, *stage.shape)
        if stage.norm != "unit" and self.norm is not None:
            x = self.norm(x)
        return pooled(x if stage.norm_last else self._activate(x, inplace), stage.pool, stage.pooling)

    def _product(self, x: Tensor) -> Tensor:
        stage = self.stage
        begin, end = (padding - self._even for padding in stage.paddings)
        if stage.op == "conv" and begin != end:
            x = nn.functional.pad(x, (begin, end, begin, end))
        x = self.op(x)
        if stage.op == "conv_transpose" and begin != end:
            x = x[:, :, begin : x.shape[2] - end, begin : x.shape[3] - end]
        return nn.functional.pad(x, stage.border * 2) if any(stage.border) else x

    def _activate(self, x: Tensor, inplace: bool) -> Tensor:
        if self.prelu is not None:
            return self.prelu(x)  # type: ignore[no-any-return]
        return activate(x, self.stage.activation, self.stage.slope, inplace)


def activate(x: Tensor, activation: Activation, slope: float, inplace: bool = False) -> Tensor:
    """The activation of x by its name; `slope` is the leaky ReLU's. Both ReLUs can be taken in place."""
    match activation:
        case "relu":
            return nn.functional.relu(x, inplace)
        case "leaky_relu":
            return nn.functional.leaky_relu(x, slope, inplace)
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


def pooled(x: Tensor, pool: int, pooling: Pooling) -> Tensor:
    """The maps x (N, C, H, W) reduced `pool` times in height and width."""
    if pool == 1:
        return x
    return nn.functional.max_pool2d(x, pool) if pooling == "max" else nn.functional.avg_pool2d(x, pool)


def _concatenate_labels(x: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    if labels is None:
        raise BadInputError(f"this network is conditional: pass labels (N,), class indices below {classes}")
    one_hot = nn.functional.one_hot(labels.to(x.device), classes).to(x.dtype)  # (N, classes)
    if x.dim() == 4:
        one_hot = one_hot[:, :, None, None].expand(-1, -1, *x.shape[2:])  # (N, classes, H, W)
    return torch.cat([x, one_hot], dim=1)


class Normed(nn.Module, ABC):
    """A module whose batch norms' statistics can be read, exchanged and measured."""

    @property
    @abstractmethod
    def norms(self) -> dict[str, nn.BatchNorm1d | nn.BatchNorm2d]:
        """The batch-norm layers by name."""

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
            like = next(self.parameters()) if norm.weight is None else norm.weight
            norm.running_mean = None if statistics is None else statistics[name].mean.to(like).clone()
            norm.running_var = None if statistics is None else statistics[name].variance.to(like).clone()

    @torch.no_grad()
    def moments(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Moments]:
        """Biased mean and variance of each batch norm's input when every layer before normalises by this batch."""
        found: dict[str, Moments] = {}

        def record(name: str, values: Tensor) -> None:
            rows = values.movedim(1, -1).reshape(-1, values.shape[1])  # (N * H * W, C)
            mean = rows.mean(0)
            found[name] = Moments(mean, (rows - mean).square_().mean(0))  # ten times faster than rows.var(0)
            norm = self.norms[name]
            norm.running_mean, norm.running_var = found[name].mean, found[name].variance  # not to be computed again

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

    @contextmanager
    def _by_batch(self) -> Iterator[None]:
        kept = self.statistics
        self.statistics = None
        try:
            yield
        finally:
            self.statistics = kept


class Network(Normed):
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
            before, size = size, stage.size(size)
            if size < 1:
                raise BadInputError(f"layer {name} would have a {size}x{size} output: the architecture does not fit")
            with torch.random.fork_rng(devices=[]):  # torch draws weights that we replace: leave the global state alone
                self.add_module(name, StageModule(stage, before))
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
        inplace = not self._hooked  # a tenth faster, and a map less in memory; a hook may keep what it was shown
        for name, stage in self.named_children():
            x = stage(x, labels, inplace=inplace)
            if name in wanted:
                found[name] = x
                if len(found) == len(wanted):
                    break
        return found

    def reach(self, x: Tensor, name: str, labels: Tensor | None = None) -> Tensor:
        """Output of the named layer, activation included (N, C, H, W) or (N, F), through which gradients flow."""
        for own, stage in self.named_children():
            x = stage(x, labels)
            if own == name:
                return x
        raise KeyError(f"no layer {name!r}")

    @property
    def norms(self) -> dict[str, nn.BatchNorm1d | nn.BatchNorm2d]:
        """The batch-norm layers by the name of their stage."""
        return {
            name: stage.norm
            for name, stage in self.named_children()
            if isinstance(stage, StageModule) and isinstance(stage.norm, nn.BatchNorm1d | nn.BatchNorm2d)
        }

    def digest(self) -> str | None:
        """SHA-256 over stages and weights, without batch norm's statistics; None where hooks may change the output."""
        if self._hooked:
            return None
        stages = json.dumps([self.input_size, *(stage.to_dict() for stage in self.stages)])
        found = hashlib.sha256(stages.encode())
        for name, weight in self.named_parameters():
            found.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            found.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().data)
        return found.hexdigest()

    @property
    def _hooked(self) -> bool:
        return any(module._forward_hooks or module._forward_pre_hooks for module in self.modules())

    def random_twin(self, generator: torch.Generator) -> Network:
        """The same architecture with weights drawn as the paper initialises them, on the same device."""
        twin = initialise(Network(self.stages, self.input_size), generator)
        return twin.eval().to(next(self.parameters()).device)


def initialise(network: Network, generator: torch.Generator) -> Network:
    """Draw all weights as the paper does: N(0, 0.02), gains N(1, 0.02), biases 0; in place, from a CPU generator."""
    for parameter in network.parameters():
        mean = 1.0 if parameter.dim() == 1 else 0.0
        values = torch.empty(parameter.shape).normal_(mean, 0.02, generator=generator)
        parameter.data.copy_(values)
    for module in network.modules():
        if isinstance(module, nn.LayerNorm | nn.PReLU) and module.weight is not None:
            nn.init.constant_(module.weight, 0.25 if isinstance(module, nn.PReLU) else 1.0)  # as torch begins
        if isinstance(bias := getattr(module, "bias", None), nn.Parameter):
            nn.init.zeros_(bias)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.reset_running_stats()
    return network
