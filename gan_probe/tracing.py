"""What a torch module does to its input, call by call, told by torch itself: modules and plain functions alike."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn

# what torch's built-in functions, which have no signature, call their arguments
BUILT_IN = {
    "linear": ("input", "weight", "bias"),
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv_transpose2d": (
        "input",
        "weight",
        "bias",
        "stride",
        "padding",
        "output_padding",
        "groups",
        "dilation",
    ),
    "pad": ("input", "pad", "mode", "value"),
}


@dataclass(frozen=True, eq=False)
class Call:
    """One function called on what comes from the input: its name, its arguments by name, the shapes in and out.

    `module` is the innermost module that made the call; `chained` says that of all that comes from the input it took
    nothing but the output of the call before.
    """

    function: str
    module: str
    arguments: dict[str, Any]
    before: torch.Size
    after: torch.Size
    chained: bool


@dataclass(eq=False)
class Trace(TorchFunctionMode):
    """Within the block, records the calls on `x` and on what comes of it, and keeps the outputs of `wanted` ones.

    `changes`, by the number of a call, are made to its output before anything else sees it.
    """

    x: Tensor
    wanted: frozenset[int] = frozenset()
    changes: Mapping[int, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    outputs: dict[int, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._from_input = {id(self.x): self.x}  # kept alive: the number of a dead tensor would be given again
        self._last = self.x
        self._stack: list[str] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run what was called, and note it where it concerns the input."""
        kwargs = kwargs or {}
        taken = [t for t in _tensors([*args, *kwargs.values()]) if id(t) in self._from_input]
        before = taken[0].shape if taken else None
        output = func(*args, **kwargs)
        if before is None or not isinstance(output, torch.Tensor):
            return output
        number = len(self.calls)
        if number in self.changes:
            output = self.changes[number](output)
        chained = all(t is self._last for t in taken)
        self.calls.append(
            Call(
                func.__name__,
                self._stack[-1] if self._stack else "",
                _named(func, args, kwargs),
                before,
                output.shape,
                chained,
            )
        )
        if number in self.wanted:
            self.outputs[number] = output.clone()  # the next call may work in place
        self._from_input[id(output)] = self._last = output
        return output

    @contextmanager
    def naming(self, module: nn.Module) -> Iterator[None]:
        """Within the block, calls bear the name of the module within `module` that makes them."""
        handles = []
        try:
            for name, part in module.named_modules():
                handles.append(part.register_forward_pre_hook(lambda *_, name=name: self._stack.append(name)))
                handles.append(part.register_forward_hook(lambda *_: self._stack.pop() and None))
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._stack.clear()


def trace(module: nn.Module, x: Tensor) -> tuple[list[Call], Tensor]:
    """The calls that a module makes on x, and what it returns."""
    recorder = Trace(x)
    with torch.no_grad(), recorder.naming(module), recorder:
        output = module(x)
    return recorder.calls, output


def _tensors(values: list[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors([*value])


def _named(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, tensors detached; positional ones without a known name by their number."""
    names: tuple[str, ...] = BUILT_IN.get(func.__name__, ())
    if not names:
        try:
            names = tuple(inspect.signature(func).parameters)
        except (TypeError, ValueError):
            names = ()
    found = {names[i] if i < len(names) else str(i): value for i, value in enumerate(args)} | kwargs
    return {name: v.detach() if isinstance(v, torch.Tensor) else v for name, v in found.items() if name != "input"}
