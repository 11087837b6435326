"""Functions and methods that an analysis replaced in shared code, put back: monkeypatches are for everybody."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# where a patch does most harm; all modules of all libraries are too many, and some rightly change while they run
WATCHED = {"builtins", "io", "json", "math", "numpy", "numpy.linalg", "numpy.random", "os", "pickle", "random", "time"}
WATCHED |= {"matplotlib.figure", "PIL.Image", "torch", "torch.nn.functional"}
PREFIXES = ("gan_probe.", "gan_probe_plugins.", "torch.nn.modules.")
RIGHTLY = {"torch.Storage"}  # torch replaces it itself where the default type changes
DECLARED = ("name", "title", "needs", "takes", "references", "Options")  # of an analysis
MISSING = object()


def patches() -> Callable[[], str]:
    """Note the functions and classes of shared code; the function returned puts them back and names them."""
    before = [(owner, dict(_code(owner))) for owner in _owners()]
    modules = _watched()

    def restore() -> str:
        changed = [name for name, module in modules.items() if sys.modules.get(name) is not module]
        sys.modules.update({name: modules[name] for name in changed})
        for owner, code in before:
            now = vars(owner)
            for name, value in code.items():
                current = now.get(name, MISSING)
                if current is not value and not _wrapped_by_torch(current, value):
                    setattr(owner, name, value)
                    changed.append(f"{owner.__name__}.{name}")
            for name in [name for name, _ in _code(owner) if name not in code and _inherited(owner, name)]:
                delattr(owner, name)
                changed.append(f"{owner.__name__}.{name}")
        return f"replaced code ({', '.join(changed[:3])}{', ...' if len(changed) > 3 else ''})" if changed else ""

    return restore


def _watched() -> dict[str, Any]:
    return {n: module for n, module in sys.modules.items() if module and (n in WATCHED or f"{n}.".startswith(PREFIXES))}


def _owners() -> Iterator[Any]:
    """The watched modules, the classes that they define, and everybody's analyses."""
    from gan_probe.analysis import Analysis

    for name, module in _watched().items():
        yield module
        yield from (kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == name)
    yield from _below(Analysis)


def _wrapped_by_torch(now: Any, before: Any) -> bool:
    """Whether torch did it: it wraps `torch.manual_seed` when an optimiser first steps."""
    where = getattr(getattr(now, "__code__", None), "co_filename", "")
    return getattr(now, "__wrapped__", None) is before and where.startswith(sys.modules["torch"].__path__[0])


def _inherited(owner: Any, name: str) -> bool:
    """Whether a class has this from those above it: what it has itself hides it."""
    return isinstance(owner, type) and any(name in vars(above) for above in owner.__mro__[1:])


def _below(kind: Any) -> Iterator[Any]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _code(owner: Any) -> Iterator[tuple[str, Any]]:
    from gan_probe.analysis import Analysis

    declared = DECLARED if isinstance(owner, type) and issubclass(owner, Analysis) else ()
    for name, value in vars(owner).items():
        if (callable(value) or hasattr(type(value), "__get__") or name in declared) and (
            f"{owner.__name__}.{name}" not in RIGHTLY
        ):
            yield name, value
