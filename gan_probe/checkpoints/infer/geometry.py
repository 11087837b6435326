"""What a kernel's shape leaves open: stride, padding, output padding and enlargement, each with its unlikelihood.

Costs are in the unit of `evidence.misfit`: a rarer geometry must agree with the statistics better by so much.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.checkpoints.weights import Role
    from gan_probe.stage import Stage

LARGEST_IMAGE = 256
USUAL_SIZES = {28: 0.0, 32: 0.0, 64: 0.0, 128: 0.0, 16: 0.03, 256: 0.01, 48: 0.01, 96: 0.01}
Moves = tuple[int, int, str]  # stride, padding, and the way in which maps grow or shrink
STRIDES = {False: (1, 2), True: (1, 2, 3, 4)}
IMPOSSIBLE = math.inf


@dataclass(frozen=True)
class Geometry:
    """How a layer moves its kernel, and the side of the maps that it makes."""

    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    upsample: int = 1
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    size: int = 1
    cost: float = 0.0
    pool: int = 1
    pooling: Literal["max", "average"] = "max"
    side: int = 0  # of the maps in front of the pooling, where there is any

    @property
    def made(self) -> int:
        """The side of the maps that the kernel makes."""
        return self.side or self.size

    def moves(self, before: Moves | None = None) -> Moves:
        """What the layers behind it are likely to repeat."""
        way: str = self.interpolation if self.upsample > 1 else self.pooling if self.pool > 1 else ""
        way = way or ("strides" if self.stride > 1 else before[2] if before else "")
        return self.stride, self.padding, way


def unlikelihood(geometry: Geometry, before: Moves | None) -> float:
    """How unlikely a geometry is behind a layer that moved its kernel so: habits, odd ones too, are repeated."""
    if before is None:
        return geometry.cost
    moves = geometry.moves(before)
    changed = 0.03 if before[2] and moves[2] != before[2] else 0.0
    return geometry.cost / (3 if moves == before else 1) + changed


def as_in(geometry: Geometry, stage: Stage) -> bool:
    """Whether a stage moves its kernel so."""
    names = ("stride", "padding", "output_padding", "upsample", "interpolation", "pool", "pooling")
    return all(getattr(geometry, name) == getattr(stage, name) for name in names)


def moved(block: Block, size: int, geometry: Geometry, before: Moves | None) -> Moves | None:
    """What is likely to be repeated behind a layer over maps of side `size`: nothing that a stem did."""
    return None if block.op == "linear" or size == 1 else geometry.moves(before)


def image_cost(size: int) -> float:
    """How unusual a side of images is."""
    return USUAL_SIZES.get(size, 0.02 if size % 4 == 0 and size >= 16 else 0.12 if size >= 8 else IMPOSSIBLE)


@functools.lru_cache(maxsize=4096)
def transposed(kernel: int, size: int, wide: bool) -> tuple[Geometry, ...]:
    """Geometries of a transposed convolution over maps of side `size`."""
    found = []
    for stride in (1,) if size == 1 else STRIDES[wide]:
        if stride > kernel:
            continue
        for padding in range(kernel):
            for extra in range(stride):
                out = (size - 1) * stride - 2 * padding + kernel + extra
                if not 1 <= out <= LARGEST_IMAGE or (extra and padding == 0):
                    continue
                if (size == 1 and padding == 0) or (stride == 2 and out == 2 * size):
                    cost = 0.0
                elif stride == 1 and out == size:
                    cost = 0.005
                else:
                    cost = (
                        (0.02 if stride > 1 or size == 1 else 0.04)
                        + 0.01 * (stride > 2)
                        + 0.02 * (extra > 0)
                        + 0.02 * (out < size)
                    )
                    cost += 0.02 * (padding > kernel // 2)
                    cost -= 0.01 * (out % size == 0) if size > 1 else 0
                found.append(Geometry(stride, padding, extra, size=out, cost=cost))
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def enlarged(kernel: int, size: int, wide: bool) -> tuple[Geometry, ...]:
    """Geometries of a convolution in a generator: nearest or bilinear enlargement, then stride 1."""
    found = []
    for upsample in (1, 2, 4) if wide else (1, 2):
        for padding in range(kernel // 2 + 1):
            out = size * upsample + 2 * padding - kernel + 1
            if not 1 <= out <= LARGEST_IMAGE or (size == 1 and upsample > 1):
                continue
            cost = (0.0 if 2 * padding == kernel - 1 else 0.02) + 0.02 * (upsample == 4)
            found.append(Geometry(1, padding, 0, upsample, "nearest", out, cost))
            if upsample > 1:
                found.append(Geometry(1, padding, 0, upsample, "bilinear", out, cost + 0.01))
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def reduced(kernel: int, size: int, wide: bool) -> tuple[Geometry, ...]:
    """Geometries of a convolution in a discriminator."""
    found = []
    for stride in STRIDES[wide]:
        for padding in range(kernel // 2 + 1):
            out = (size + 2 * padding - kernel) // stride + 1
            if size + 2 * padding < kernel or (stride > kernel and kernel > 1):
                continue
            if stride > 1 and size + 2 * padding == kernel:  # nowhere to go
                continue
            halves = stride == 2 and out == (size + 1) // 2
            if (halves and (kernel > 2 or padding == 0)) or (out == 1 and kernel == size and padding == 0):
                cost = 0.0 if stride == 2 or size == kernel else 0.01
            elif stride == 1 and out == size:
                cost = 0.01
            else:
                cost = 0.03 + 0.02 * (stride > 2) + 0.02 * (padding not in (0, (kernel - 1) // 2))
            found.append(Geometry(stride, padding, size=out, cost=cost))
            if stride == 1 and out > 1 and kernel % 2 and padding in (0, kernel // 2):
                cost = 0.05 if padding else 0.06
                found.append(Geometry(1, padding, 0, size=out // 2, cost=cost, pool=2, pooling="max", side=out))
                cost += 0.005
                found.append(Geometry(1, padding, 0, size=out // 2, cost=cost, pool=2, pooling="average", side=out))
    return tuple(found)


def options(block: Block, size: int, role: Role, wide: bool) -> Iterator[Geometry]:
    """The geometries that a layer may have over maps of side `size`."""
    if block.op == "linear":
        yield Geometry(size=block.reshape or 1)
        return
    ways = transposed if block.op == "conv_transpose" else enlarged if role == "generator" else reduced
    sides = block.norm.weight.shape[1:2] if block.norm and block.norm.kind == "layer" else ()
    yield from (g for g in ways(block.kernel, size, wide) if not sides or g.made == sides[0])


def remaining(
    blocks: Sequence[Block], role: Role, end: Callable[[int], float], wide: bool = True
) -> Callable[[int, int, Moves | None], float]:
    """The least cost of all layers from number i on, over maps of side n and behind a layer that moved so.

    `end` is the cost of the last side.
    """

    @functools.cache
    def cost(i: int, size: int, before: Moves | None) -> float:
        if i == len(blocks):
            return end(size)
        block = blocks[i]
        if block.op == "linear" and role == "discriminator" and i and blocks[i - 1].op != "linear":
            if block.inputs != blocks[i - 1].outputs * size * size:
                return IMPOSSIBLE
        elif block.op == "linear" and role == "discriminator" and not i and block.inputs % (size * size):
            return IMPOSSIBLE
        return min(
            (
                unlikelihood(g, before) + cost(i + 1, g.size, moved(block, size, g, before))
                for g in options(block, size, role, wide)
            ),
            default=IMPOSSIBLE,
        )

    return cost
