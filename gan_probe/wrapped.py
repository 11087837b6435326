"""Anybody's torch module behind the face of `Net`: what its forward does is traced, and nothing in it is changed."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gan_probe.errors import BadInputError, one_line
from gan_probe.gan import Layer
from gan_probe.network import Normed
from gan_probe.tracing import Trace, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KINDS = {"linear": "dense", "conv2d": "conv", "conv_transpose2d": "deconv"}
NORMS = ("batch_norm", "instance_norm", "layer_norm", "group_norm", "dropout", "dropout2d", "feature_dropout")
SHAPING = ("view", "reshape", "flatten", "squeeze", "unsqueeze")
# fmt: off
BENDS = frozenset([
    "relu", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "tanh", "sigmoid",
    "hardtanh", "hardswish", "rrelu", "relu6",
])
# fmt: on
CLOSEST = 1e-7  # of a probability to 0 or 1, when its logit is taken


class Wrapped(Normed):
    """A generator or a discriminator of any class.

    Layers are the calls of dense layers and convolutions, named by their module, read behind their activation where
    one follows. A discriminator that ends in a sigmoid gives the logit.
    """

    def __init__(self, module: nn.Module, x: Tensor) -> None:
        """`x` is an input that the module takes: latents (N, Z) or (N, Z, 1, 1), or images (N, C, H, W)."""
        super().__init__()
        self.module = module
        self._maps = x.dim() == 4 and x.shape[2:] == (1, 1)
        self._generates = x.dim() == 2 or self._maps
        calls, _ = trace(module, x)
        last = next((i for i in reversed(range(len(calls))) if calls[i].function not in SHAPING), -1)
        self.last_bend = calls[last].function.rstrip("_") if calls else ""
        self._ends_in_probability = self.last_bend == "sigmoid" and not self._generates
        self._ends: dict[str, int] = {}
        self._changes: dict[int, Callable[[Tensor], Tensor]] = {}
        self._recorded = False  # by `activations`, which makes the changes itself
        layers: list[Layer] = []
        for number, call in enumerate(calls):
            kind = KINDS.get(call.function)
            if kind is None:
                continue
            end = number
            while end + 1 < len(calls) and calls[end + 1].chained and calls[end].function.rstrip("_") not in BENDS:
                if calls[end + 1].function.rstrip("_") not in (*NORMS, *BENDS):
                    break
                if end + 1 == last and self._ends_in_probability:  # the score is the logit
                    break
                end += 1
            shape = calls[end].after
            if len(shape) not in (2, 4) or (len(shape) == 4 and shape[2] != shape[3]):
                continue
            name = call.module or kind
            name = name if name not in self._ends else f"{name}.{number}"  # one module may be called twice
            self._ends[name] = end
            layers.append(Layer(name, kind, shape[1], shape[2] if len(shape) == 4 else 1))
        self.layers: tuple[Layer, ...] = tuple(layers)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, Z) to images (N, C, H, W), or images to logits (N, 1)."""
        if labels is not None:
            raise BadInputError("this network was opened by its class, without labels")
        output = self.raw(x)
        return torch.logit(output, CLOSEST) if self._ends_in_probability else output

    def raw(self, x: Tensor) -> Tensor:
        """What the module itself makes: a discriminator's probability, where it ends in a sigmoid."""
        x = x[:, :, None, None] if self._maps and x.dim() == 2 else x
        output: Tensor
        if self._changes and not self._recorded:
            with Trace(x, changes=self._changes):
                output = self.module(x)
        else:
            output = self.module(x)
        return output if self._generates else output.reshape(-1, 1)

    @torch.no_grad()
    def activations(self, x: Tensor, names: Sequence[str], labels: Tensor | None = None) -> dict[str, Tensor]:
        """Outputs of the named layers, activation included: each (N, C, H, W) or (N, F)."""
        return self._read(x, names, labels)

    def reach(self, x: Tensor, name: str, labels: Tensor | None = None) -> Tensor:
        """Output of the named layer, activation included (N, C, H, W) or (N, F), through which gradients flow."""
        return self._read(x, [name], labels)[name]

    def _read(self, x: Tensor, names: Sequence[str], labels: Tensor | None) -> dict[str, Tensor]:
        if self._maps and x.dim() == 2:
            x = x[:, :, None, None]
        recorder = Trace(x, wanted=frozenset(self._ends[name] for name in names), changes=self._changes)
        self._recorded = True
        try:
            with recorder:
                self(x, labels)
        finally:
            self._recorded = False
        return {name: recorder.outputs[self._ends[name]] for name in names}

    @contextmanager
    def changed(self, layer: str, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Within the block, what a layer puts out, as `activations` reads it, is what `change` makes of it."""
        before, number = self._changes, self._ends[layer]
        inner = before.get(number)
        self._changes = before | {number: change if inner is None else lambda output: change(inner(output))}
        # changes nothing, but says that the module is not itself: a digest of its weights would not
        handle = self.module.register_forward_hook(lambda *_: None)
        try:
            yield
        finally:
            handle.remove()
            self._changes = before

    @property
    def norms(self) -> dict[str, nn.BatchNorm1d | nn.BatchNorm2d]:
        """The batch-norm layers by their names."""
        return {
            name: part
            for name, part in self.module.named_modules()
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
        }

    def random_twin(self, generator: torch.Generator) -> Wrapped:
        """A copy whose kernels are N(0, 0.02), gains N(1, 0.02) and biases 0, as the paper initialises them.

        Other parameters of one dimension, such as learned slopes, are as trained.
        """
        twin = copy.deepcopy(self)
        gains = {id(part.weight) for part in twin.norms.values()}
        for name, parameter in twin.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() > 1 or id(parameter) in gains:
                mean = 0.0 if parameter.dim() > 1 else 1.0
                parameter.data.copy_(torch.empty(parameter.shape).normal_(mean, 0.02, generator=generator))
        for part in twin.norms.values():
            if part.running_mean is not None:
                part.reset_running_stats()
        return twin


def takes(module: nn.Module, x: Tensor) -> Tensor | str:
    """What a module makes of x, or in one line why it does not take it."""
    try:
        with torch.no_grad():
            output = module(x)
    except Exception as error:  # its code is anybody's
        return one_line(f"{type(error).__name__}: {error}", 90)
    if not isinstance(output, Tensor):
        return f"its forward gives a {type(output).__name__}, not one tensor"
    return output
