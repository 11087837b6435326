"""The generator's and the discriminator's state dicts in whatever a training script has saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from gan_probe.checkpoints.weights import Role

WORDS: dict[str, Role] = {
    **dict.fromkeys(("g", "gen", "generator", "netg", "gnet", "generators"), "generator"),
    **dict.fromkeys(("d", "dis", "disc", "discrim", "discriminator", "critic", "netd", "dnet"), "discriminator"),
}
WRAPPERS = re.compile(r"^(module|_orig_mod|_forward_module|model|state_dict|network)\.")
OPTIMISER = re.compile(r"optim|sched|scaler|^opt", re.IGNORECASE)
DEEPEST, MOST = 5, 10_000


@dataclass
class Found:
    """A state dict, where it stood in the file, the role that its place names, and what was taken off its names."""

    place: str
    role: Role | None
    tensors: dict[str, Tensor]
    notes: list[str]


def role_of(name: str) -> Role | None:
    """The role that a name speaks of (`netG`, `generator05`, `g_ema`, `D_state_dict`), if it speaks of just one."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [w for w in re.split(r"[^a-z]+", spaced.lower()) if w]
    roles = {WORDS[w] for w in words if w in WORDS}
    if not roles:
        roles = {role for role in ("generator", "discriminator") if role in name.lower()}
    return roles.pop() if len(roles) == 1 else None


def find(content: object) -> list[Found]:
    """Every state dict in a file's content, optimisers aside, each split where its names begin with both roles."""
    found: list[Found] = []
    for place, tensors in _dicts(content, "", 0):
        found += _split(place, tensors)
    ema = {f.role for f in found if "ema" in f.place.lower()}
    for state in [f for f in found if f.role in ema and "ema" not in f.place.lower() and f.role is not None]:
        found.remove(state)  # averaged weights are what a training script samples from
        next(f for f in found if f.role == state.role).notes.append(
            f"its averaged weights were taken, not {state.place}"
        )
    return found


def chosen(found: list[Found], wanted: Role | None) -> dict[Role, Found]:
    """One state dict for each role; where the place does not tell the role, its shapes do."""
    by_role: dict[Role, list[Found]] = {}
    for state in found:
        role = state.role or (wanted if len(found) == 1 else None) or _by_shape(state.tensors)
        by_role.setdefault(role, []).append(state)
    if wanted is not None:
        by_role = {role: states for role, states in by_role.items() if role == wanted}
    for role, states in by_role.items():
        if len(states) > 1:
            places = ", ".join(s.place or "the top" for s in states[:4])
            raise BadInputError(one_line(f"it holds {len(states)} {role}s ({places}); save the one you want alone"))
    if not by_role:
        raise BadInputError(f"it holds no {wanted or 'generator or discriminator'}: no state dict of convolutions")
    return {role: states[0] for role, states in by_role.items()}


def _dicts(content: object, place: str, depth: int) -> list[tuple[str, dict[str, Tensor]]]:
    import torch

    if depth > DEEPEST or not isinstance(content, dict | list | tuple):
        return []
    items: list[tuple[Any, Any]] = [*(content.items() if isinstance(content, dict) else enumerate(content))]
    if len(items) > MOST:
        raise BadInputError(f"it holds {len(items):,} entries: no GAN")
    tensors = {k: v for k, v in items if isinstance(k, str) and isinstance(v, torch.Tensor)}
    found = []
    if any(v.dim() in (2, 4) and k.rpartition(".")[2].startswith(("weight", "original")) for k, v in tensors.items()):
        found.append((place, tensors))
    for key, part in items:
        if not isinstance(part, torch.Tensor) and not OPTIMISER.search(str(key)) and key != "param_groups":
            found += _dicts(part, f"{place}.{key}".lstrip("."), depth + 1)
    return found


def _split(place: str, tensors: dict[str, Tensor]) -> list[Found]:
    notes: list[str] = []
    tensors = _unwrapped(tensors, notes)
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        head, _, rest = name.partition(".")
        parts.setdefault(head if role_of(head) and rest else "", {})[name] = value
    roles = {role_of(head) for head in parts if head}
    if len(roles) < 2:  # one role's layers may be called d1, d2, ...
        whole = role_of(place)
        if len(parts) == 1 and roles and whole is None:
            whole = roles.pop()
        return [Found(place, whole, tensors, notes)]
    found = []
    for head, part in parts.items():
        if head:
            inner = {name.partition(".")[2]: value for name, value in part.items()}
            mine = [*notes, f"prefix {head}. was taken off its names"]
            found.append(Found(f"{place}.{head}".lstrip("."), role_of(head), _unwrapped(inner, mine), mine))
    return found


def _unwrapped(tensors: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """The names without the prefixes that wrappers put in front of all of them."""
    while tensors and (match := WRAPPERS.match(next(iter(tensors)))):
        prefix = match[0]
        if not all(name.startswith(prefix) for name in tensors):
            break
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
        notes.append(f"prefix {prefix} was taken off its names")
    return tensors


def _by_shape(tensors: Mapping[str, Tensor]) -> Role:
    """A discriminator makes one number of few channels; all else is held for a generator."""
    weights = [v for k, v in tensors.items() if v.dim() in (2, 4)]
    first, last = weights[0], weights[-1]
    from_image = first.shape[1] <= 4 < first.shape[0] if first.dim() == 4 else first.shape[1] > first.shape[0]
    return "discriminator" if from_image and last.shape[0] == 1 else "generator"
