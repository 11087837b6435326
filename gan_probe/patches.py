"""Functions and methods that an analysis replaced in shared code, put back: monkeypatches are for everybody."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = ("gan_probe", "gan_probe_plugins")
# where a patch does most harm; a library's own modules are too many, and some rightly change while they run
WATCHED = (
    "builtins",
    "io",
    "json",
    "math",
    "matplotlib.figure",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "os",
    "PIL.Image",
    "pickle",
    "random",
    "time",
    "torch",
    "torch.nn.functional",
    "torch.nn.modules.batchnorm",
    "torch.nn.modules.conv",
    "torch.nn.modules.module",
)
DECLARED = ("name", "title", "needs", "takes", "references", "Options")  # of an analysis
MISSING = object()


def patches() -> Callable[[], str]:
    """Note the functions and classes of shared code; the function returned puts them back and names them."""
    before = [(owner, dict(_code(owner))) for owner in _owners()]

    def restore() -> str:
        changed = []
        for owner, code in before:
            now = vars(owner)
            for name, value in code.items():
                if now.get(name, MISSING) is not value:
                    setattr(owner, name, value)
                    changed.append(f"{owner.__name__}.{name}")
        return f"replaced code ({', '.join(changed[:3])}{', ...' if len(changed) > 3 else ''})" if changed else ""

    return restore


def _owners() -> Iterator[Any]:
    """Our modules and the watched ones, the classes that ours define, and everybody's analyses."""
    from gan_probe.analysis import Analysis

    ours = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in OURS]
    yield from (sys.modules[name] for name in WATCHED if name in sys.modules)
    for module in ours:
        yield module
        yield from (
            value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__
        )
    yield from _below(Analysis)


def _below(kind: Any) -> Iterator[Any]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _code(owner: Any) -> Iterator[tuple[str, Any]]:
    from gan_probe.analysis import Analysis

    declared = DECLARED if isinstance(owner, type) and issubclass(owner, Analysis) else ()
    for name, value in vars(owner).items():
        if callable(value) or hasattr(type(value), "__get__") or name in declared:
            yield name, value
