"""Networks of the user's own classes: `--arch my_gan.py:Generator,Discriminator`, the only way that code runs.

The file is imported, each named class or function is called without arguments, and the checkpoint's state dict is
loaded into it strictly. A module that is a plain chain of layers is read as stages; any other is wrapped.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from torch import Tensor, nn

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN

ARCH = re.compile(r"(?P<file>.+\.py):(?P<names>[\w.]+(,[\w.]+)?)")


def names_classes(arch: str) -> bool:
    """Whether `arch` names something in a Python file rather than a card."""
    return ".py" in arch and not Path(arch).is_file()


def load_classes(request: LoadRequest) -> GAN:
    """Open state dicts under the classes or functions that the request's `arch` names.

    Raises UsageError for an `arch` that is not FILE.py:NAME or FILE.py:NAME,NAME, BadInputError in one line for what
    the code raises, for state dicts that do not fit, and for networks that take neither latents nor images.
    """
    from gan_probe.checkpoints.foreign import opened
    from gan_probe.checkpoints.trial import gan_of

    found = ARCH.fullmatch(request.arch or "")
    if found is None:
        raise UsageError("--arch takes a card.json, my_gan.py:Generator, or my_gan.py:Generator,Discriminator")
    path, names = Path(found["file"]), found["names"].split(",")
    _, states, digests = opened(request)
    modules: dict[Role, nn.Module] = {}
    notes = [f"the architecture is the code of {path.name}: {', '.join(names)}"]
    with _imported(path) as code:
        where = {name: f"{path.name[-30:]}:{name[-30:]}" for name in names}
        built = [(name, _built(where[name], code, name)) for name in names]
        for (name, module), role in zip(built, _roles(built, states), strict=True):
            modules[role] = _filled(where[name], module, states[role].tensors)
            notes += [f"the {role}: {note}" for note in states[role].notes]
    sha256 = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return gan_of(request, modules, notes, sha256)


@contextmanager
def _imported(path: Path) -> Iterator[ModuleType]:
    """The file as a module; within the block it finds its neighbours, as a script does."""
    if not path.is_file():
        raise BadInputError(one_line(f"--arch {str(path)[-60:]}: there is no such file"))
    name = f"gan_probe_arch_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        _run(f"{path.name[-40:]}", lambda: spec.loader.exec_module(module))
        yield module
    finally:
        sys.path.remove(folder)


def _run(where: str, call: Any) -> Any:
    """What the user's code gives; BadInputError for whatever it raises."""
    import torch

    try:
        with torch.random.fork_rng(devices=[]):  # classes draw weights that we replace
            return call()
    except (Exception, SystemExit) as error:
        place = _line(error)
        raise BadInputError(one_line(f"--arch {where}: {type(error).__name__}{place}: {error}", 190)) from error


def _line(error: BaseException) -> str:
    trace, number = error.__traceback__, 0
    while trace is not None:
        number, trace = trace.tb_lineno, trace.tb_next
    return f" (line {number})"


def _built(where: str, code: ModuleType, name: str) -> nn.Module:
    from torch import nn

    part: Any = code
    for step in name.split("."):
        if not hasattr(part, step):
            near = difflib.get_close_matches(step, [n for n in vars(part) if not n.startswith("_")], 3)
            raise BadInputError(
                f"--arch {where}: there is no {step!r} in it" + (f"; near: {', '.join(near)}" if near else "")
            )
        part = getattr(part, step)
    made = part if isinstance(part, nn.Module) else None
    if made is None:
        if not callable(part):
            raise BadInputError(f"--arch {where} is a {type(part).__name__}: name a class or a function")
        made = _run(where, part)
    if not isinstance(made, nn.Module):
        raise BadInputError(f"--arch {where} gave a {type(made).__name__}, not a torch.nn.Module")
    return made


def _roles(built: list[tuple[str, nn.Module]], states: dict[Role, Any]) -> list[Role]:
    """Which network each module is: by its name, else by the weights that fit it, else generator first."""
    from gan_probe.checkpoints.statedicts import role_of
    from gan_probe.checkpoints.weights import COUNTER

    said = [role_of(name) for name, _ in built]
    found: list[Role] = []
    for (name, module), role in zip(built, said, strict=True):
        wanted = module.state_dict()
        needed = {key for key in wanted if not key.endswith(COUNTER)}
        left = [r for r in states if r not in found and r not in said]
        fitting = [r for r in left if needed <= _prefixed(states[r].tensors, wanted).keys()]
        choice = role if role in states and role not in found else next(iter(fitting or left), None)
        if choice is None:
            wanted_for = f" for the {role}" if role else ""
            raise BadInputError(
                one_line(f"--arch names {name[-40:]}{wanted_for}, and the checkpoint holds no such weights")
            )
        found.append(choice)
    return found


def _filled(where: str, module: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """The module with the state dict, frozen and in evaluation mode."""
    from gan_probe.checkpoints.weights import COUNTER, check_values

    wanted = module.state_dict()
    state = _prefixed(state, wanted)
    state |= {name: value for name, value in wanted.items() if name.endswith(COUNTER) and name not in state}
    if missing := [name for name in wanted if name not in state]:
        raise BadInputError(_mismatch(where, "needs", missing, list(state)))
    if spare := [name for name in state if name not in wanted]:
        raise BadInputError(_mismatch(where, "does not know", spare, list(wanted)))
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            theirs, ours = tuple(state[name].shape), tuple(value.shape)
            raise BadInputError(
                one_line(f"--arch {where}: {name[-50:]} is {theirs} in the checkpoint, {ours} in the class")
            )
        if state[name].is_floating_point():
            check_values(name[-60:], state[name], variance=name.endswith("running_var"))
    _run(where, lambda: module.load_state_dict(state, strict=True))
    return module.float().eval().requires_grad_(False)


def _prefixed(state: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict under the module's own prefix, where a wrapper's was put in front or taken off."""
    if not wanted or not state or next(iter(wanted)) in state:
        return dict(state)
    ours, theirs = next(iter(wanted)), next(iter(state))
    if ours.endswith(f".{theirs}"):
        return {ours.removesuffix(theirs) + name: value for name, value in state.items()}
    if theirs.endswith(f".{ours}"):
        prefix = theirs.removesuffix(ours)
        return {name.removeprefix(prefix): value for name, value in state.items()}
    return dict(state)


def _mismatch(where: str, verb: str, names: list[str], others: list[str]) -> str:
    near = difflib.get_close_matches(names[0], others, 1, 0.3)
    nearest = f"; nearest: {near[0][-50:]}" if near else ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    of = "which the checkpoint lacks" if verb == "needs" else "which the checkpoint holds"
    return one_line(f"--arch {where} {verb} {names[0][-50:]}{more}, {of}{nearest}")
