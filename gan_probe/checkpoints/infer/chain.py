"""In which order the layers act, which way convolutions go, and which batch norm belongs to which layer."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gan_probe.checkpoints.infer.modules import Module
    from gan_probe.checkpoints.weights import Role
    from gan_probe.stage import Op

MOST_CHANNELS = 4  # of an image
MOST_CHAINS, MOST_TRIES = 12, 20_000
LARGEST_SIDE = 64  # of the maps behind or in front of a dense layer
LABELS = re.compile(r"label|embed|class|cond|(?<![a-z])emb", re.IGNORECASE)
TRANSPOSED = re.compile(r"deconv|convt|conv_t|tconv|t_conv|trans|up", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Block:
    """A layer with its norm and its learned slopes.

    `gap` and `norm_gap` count the modules without parameters in front of layer and norm.
    A gap is None where the names do not tell; `reshape` is the side of the maps that a dense layer is cut into.
    """

    op: Op
    module: Module
    inputs: int
    outputs: int
    norm: Module | None = None
    prelu: Module | None = None
    reshape: int = 0
    gap: int | None = None
    norm_gap: int | None = None

    @property
    def kernel(self) -> int:
        """Side of the kernel."""
        return 1 if self.op == "linear" else self.module.weight.shape[2]

    @property
    def channels(self) -> int:
        """Channels behind the layer."""
        return self.outputs // self.reshape**2 if self.reshape else self.outputs

    @property
    def keeps_statistics(self) -> bool:
        """Whether a batch norm behind it tells what it has seen."""
        return self.norm is not None and self.norm.kind == "norm"

    @property
    def unit_norm(self) -> bool:
        """Whether the norm acts on the units of a dense layer rather than on the channels they are cut into."""
        return self.op == "linear" and self.norm is not None and self.norm.size == self.outputs


def chains(found: Sequence[Module], role: Role) -> list[list[Block]]:
    """All readings of the modules' order and direction, the likeliest first; BadInputError where there is none."""
    ops = [m for m in found if m.kind in ("dense", "conv")]
    norms = [m for m in found if m.kind in ("norm", "instance", "layer")]
    alone = next((m for m in norms if m.kind != "norm"), None)
    if alone is not None and role == "generator":
        raise BadInputError(
            one_line(f"{alone.name[-40:]!r} normalises without stored statistics (instance or layer norm?): use --arch")
        )
    if not ops:
        raise BadInputError(f"it holds no layers of a {role}")
    for order in (ops, sorted(ops, key=lambda m: _natural(m.name)), None):
        linked = list(itertools.islice(_linked(order, role) if order else _searched(ops, role), MOST_CHAINS))
        placed = [_bent(chain, found) for blocks in linked for chain in _placed(blocks, norms, found)]
        if placed:
            return placed[:MOST_CHAINS]
    raise BadInputError(_why(ops, norms, role))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _linked(ops: Sequence[Module], role: Role) -> Iterator[list[Block]]:
    """Directions for layers of a given order under which each takes what the one before gives."""

    def extend(blocks: list[Block], rest: Sequence[Module]) -> Iterator[list[Block]]:
        if not rest:
            if _ends(blocks, role):
                yield blocks
            return
        for block, before in _next(blocks, rest[0], role):
            yield from extend([*blocks[:-1], *before, block], rest[1:])

    yield from extend([], ops)


def _searched(ops: Sequence[Module], role: Role) -> Iterator[list[Block]]:
    """As `_linked`, over all orders: a file sorted by name tells none."""
    tries = 0

    def extend(blocks: list[Block], rest: list[Module]) -> Iterator[list[Block]]:
        nonlocal tries
        tries += 1
        if tries > MOST_TRIES:
            return
        if not rest:
            if _ends(blocks, role):
                yield blocks
            return
        for i, module in enumerate(rest):
            for block, before in _next(blocks, module, role):
                yield from extend([*blocks[:-1], *before, block], rest[:i] + rest[i + 1 :])

    yield from extend([], list(ops))


def _ends(blocks: list[Block], role: Role) -> bool:
    last = blocks[-1]
    if role == "discriminator":
        return last.outputs == 1 and last.op != "conv_transpose"
    return last.op == "linear" or last.outputs <= MOST_CHANNELS


def _next(blocks: list[Block], module: Module, role: Role) -> Iterator[tuple[Block, list[Block]]]:
    """The module as the layer behind `blocks`, with the last of these as that makes it."""
    previous = blocks[-1] if blocks else None
    shape = module.weight.shape
    if module.kind == "dense":
        block = Block("linear", module, shape[1], shape[0])
        if previous is None or (previous.op == "linear" and previous.outputs == shape[1]):
            yield block, [previous] if previous else []
        elif previous.op != "linear" and role == "discriminator" and _side(shape[1], previous.outputs):
            yield block, [previous]
        return
    ways: list[tuple[Op, int, int]] = [("conv_transpose", shape[0], shape[1]), ("conv", shape[1], shape[0])]
    if role == "discriminator":
        ways = ways[1:]
    elif shape[0] == shape[1] and not TRANSPOSED.search(module.name) and previous and previous.op != "conv_transpose":
        ways.reverse()
    for op, inputs, outputs in ways:
        bias = module.tensors.get("bias")
        if bias is not None and len(bias) != outputs:
            continue
        block = Block(op, module, inputs, outputs)
        if previous is None:
            if (op == "conv" and inputs <= MOST_CHANNELS) if role == "discriminator" else op == "conv_transpose":
                yield block, []
        elif previous.op == "linear":
            side = _side(previous.outputs, inputs)
            if side and role == "generator":
                yield block, [_with(previous, reshape=side)]
        elif previous.outputs == inputs:
            yield block, [previous]


def _side(features: int, channels: int) -> int:
    """The side of square maps, or 0 where the features do not make any."""
    side = math.isqrt(features // channels)
    return side if side * side * channels == features and side <= LARGEST_SIDE else 0


def _with(block: Block, **changes: object) -> Block:
    from dataclasses import replace

    return replace(block, **changes)  # type: ignore[arg-type]  # the callers name fields of Block


def _placed(blocks: list[Block], norms: Sequence[Module], found: Sequence[Module]) -> list[list[Block]]:
    """Each norm behind one of the layers: the one that precedes it in the file, else any of its size, in order."""
    place = {module.name: i for i, module in enumerate(found)}

    def fits(i: int, norm: Module) -> bool:
        block = blocks[i]
        if i == len(blocks) - 1 and block.outputs == 1:
            return False
        return norm.size in (block.channels, block.outputs) and (norm.size == block.channels or block.op == "linear")

    direct: list[int] = []
    for norm in norms:
        before = [i for i, block in enumerate(blocks) if place[block.module.name] < place[norm.name]]
        last = max(before, key=lambda i: place[blocks[i].module.name], default=-1)
        if last >= 0 and fits(last, norm):
            direct.append(last)
    if len(set(direct)) == len(norms):
        return [_joined(blocks, dict(zip(direct, norms, strict=True)))]
    ordered = sorted(norms, key=lambda m: _natural(m.name))
    ways = itertools.islice(itertools.combinations(range(len(blocks)), len(norms)), MOST_TRIES)
    fitting = (w for w in ways if all(fits(i, norm) for i, norm in zip(w, ordered, strict=True)))
    return [_joined(blocks, dict(zip(w, ordered, strict=True))) for w in itertools.islice(fitting, MOST_CHAINS)]


def _bent(blocks: list[Block], found: Sequence[Module]) -> list[Block]:
    """Each PReLU behind the layer that precedes it in the file."""
    for i, module in enumerate(found):
        if module.kind != "prelu":
            continue
        before = [found.index(b.norm or b.module) for b in blocks]
        at = max((n for n, place in enumerate(before) if place < i), key=lambda n: before[n], default=-1)
        late = at >= 0 and any(b.norm and found.index(b.module) < i < found.index(b.norm) for b in blocks)
        if at < 0 or late or blocks[at].prelu or len(module.weight) not in (1, blocks[at].channels):
            raise BadInputError(one_line(f"{module.name[-60:]!r} (a PReLU?) stands behind no layer; use --arch"))
        blocks = [*blocks[:at], _with(blocks[at], prelu=module), *blocks[at + 1 :]]
        if at + 1 < len(blocks):
            gap = _gap(module, blocks[at + 1].module)
            blocks[at + 1] = _with(blocks[at + 1], gap=gap)
    return blocks


def _joined(blocks: list[Block], norms: dict[int, Module]) -> list[Block]:
    joined: list[Block] = []
    for i, block in enumerate(blocks):
        norm = norms.get(i)
        previous = (joined[-1].norm or joined[-1].module) if joined else None
        joined.append(
            _with(
                block,
                norm=norm,
                gap=_gap(previous, block.module) if previous else None,
                norm_gap=_gap(block.module, norm) if norm else None,
            )
        )
    return joined


def _gap(one: Module, other: Module) -> int | None:
    """Modules without parameters between two of one nn.Sequential: its numbers count them too."""
    (a, _, i), (b, _, j) = one.name.rpartition("."), other.name.rpartition(".")
    return int(j) - int(i) - 1 if a == b and i.isdigit() and j.isdigit() and int(j) > int(i) else None


def _why(ops: Sequence[Module], norms: Sequence[Module], role: Role) -> str:
    for module in ops:
        if LABELS.search(module.name):
            shape = "x".join(map(str, module.weight.shape))
            return one_line(
                f"its {module.name[-40:]!r} ({shape}) takes labels: how a conditional {role} joins them is not in its "
                "weights; use --arch"
            )
    for first, second in itertools.pairwise(ops):
        a, b = set(first.weight.shape[:2]), set(second.weight.shape[:2])
        if first.kind == second.kind == "conv" and not a & b:
            shapes = (
                f"{first.name[-30:]} {tuple(first.weight.shape)} and {second.name[-30:]} {tuple(second.weight.shape)}"
            )
            return one_line(f"no order of its layers makes a {role}: {shapes} do not join (conditional?); use --arch")
    sizes = ", ".join("x".join(map(str, m.weight.shape)) for m in ops[:4])
    return one_line(
        f"no order of its {len(ops)} layers ({sizes}, ...) and {len(norms)} norms makes a {role}: use --arch"
    )
