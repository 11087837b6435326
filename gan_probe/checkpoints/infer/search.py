"""The readings of a chain of layers, best first: a tree search in which every batch norm prunes what misses it.

Each batch norm's statistics depend only on what lies before it, and normalising by the batch forgets the scale of
what came before; so the readings of the first layers are settled before those of the next ones are tried.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from gan_probe.checkpoints.infer.evidence import residuals
from gan_probe.checkpoints.infer.geometry import (
    IMPOSSIBLE,
    Geometry,
    Moves,
    as_in,
    moved,
    options,
    remaining,
    unlikelihood,
)
from gan_probe.checkpoints.infer.product import NONE, Bend, judged, normalised, normalised_alone, products
from gan_probe.network import activate, pooled
from gan_probe.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.checkpoints.infer.product import Product
    from gan_probe.checkpoints.weights import Role
    from gan_probe.stage import Norm

# what each costs, in the unit of `misfit`, for being rarer
USUAL: dict[Role, dict[Bend, float]] = {
    "generator": {("relu", 0.2): 0.0, ("leaky_relu", 0.2): 0.005, ("leaky_relu", 0.01): 0.01, ("none", 0.2): 0.02},
    "discriminator": {("leaky_relu", 0.2): 0.0, ("relu", 0.2): 0.02, ("leaky_relu", 0.01): 0.02, ("none", 0.2): 0.1},
}
RARE: dict[Bend, float] = {
    ("leaky_relu", 0.1): 0.02,
    ("leaky_relu", 0.3): 0.02,
    ("elu", 0.2): 0.02,
    ("selu", 0.2): 0.02,
    ("tanh", 0.2): 0.03,
    ("sigmoid", 0.2): 0.03,
}
SLOPES: dict[Bend, float] = {("leaky_relu", slope): 0.03 for slope in (0.02, 0.05, 0.15, 0.25, 0.4, 0.5)}
EPS = {1e-5: 0.0}
RARE_EPS = {1e-5: 0.0, 0.8: 0.02, 1e-3: 0.05}  # 0.8: a momentum written in the place of eps, and copied since
CHANGE = 0.02  # layers are mostly alike
UNUSED = 0.03  # a module that the numbers count and the reading has no use for may be a dropout
AGAINST_NAMES = 0.3  # what the numbers of an nn.Sequential say outweighs habit
BEAM, OPEN_BEAM = (6, 3, 3), 32  # readings kept behind a norm, and where there is none
UNNORMED = 8  # times the inputs in front of the first norm
FEWEST: dict[Role, int] = {"generator": 32, "discriminator": 16}  # inputs of a costly layer
HOPELESS, SPARED = 0.08, 1.5  # a reading worse than the best by so much, and so many of its misfits, never comes back


@dataclass(frozen=True, eq=False)
class Prefix:
    """The first layers as one reading has them; `values` gives theirs before the last activation, if still needed."""

    cost: float
    size: int
    values: Callable[[], Tensor] | None
    stages: tuple[Stage, ...] = ()
    residuals: tuple[Tensor, ...] = ()
    z_distribution: str = ""
    before: Moves | None = None  # how the last layer moved its kernel

    @property
    def misfit(self) -> float:
        """The sum over all norms so far of their mean differences of means and of variances."""
        return sum(self.misfits)

    @property
    def misfits(self) -> list[float]:
        """That of each norm: 0 where it agrees, at most 2."""
        return [2 * float(part.mean()) for part in self.residuals]


@dataclass
class Search:
    """One search: its chain, and what was pinned; `tried` counts the readings compared."""

    blocks: Sequence[Block]
    role: Role
    end: Callable[[int], float]
    level: int = 0  # 0: usual parts; 1: rare activations and eps too; 2: strides of 3 and 4 too
    pinned: Mapping[str, str] | None = None
    like: tuple[Stage, ...] = ()  # a reading whose geometry is kept
    bends: Mapping[Bend, float] | None = None  # the only activations to try
    ceiling: float = math.inf  # of the cost
    tried: int = 0

    def __post_init__(self) -> None:
        self._left: Callable[[int, int, Moves | None], float] = lambda *_: 0.0  # one geometry needs no look ahead
        if not self.like:
            self._left = remaining(self.blocks, self.role, self.end, self.level > 1)
        self._last_norm = max((i for i, b in enumerate(self.blocks) if b.keeps_statistics), default=-1)
        self._bends = USUAL[self.role] | (RARE if self.level else {})
        if self.bends is not None:
            self._bends = dict(self.bends)
        pinned = (self.pinned or {}).get("activation")
        if pinned and self.role == "generator":
            name, _, slope = pinned.partition(":")
            self._bends = {(name, float(slope or 0.2)): 0.0}  # type: ignore[dict-item]  # checked by the caller

    def uniform(self, best: Prefix, start: Prefix) -> list[Prefix]:
        """The readings that move kernels as `best` does and bend alike behind all layers, or behind some not at all."""
        found: list[Prefix] = []
        usual = USUAL[self.role]
        known = usual | RARE | SLOPES
        mine = [(s.activation, s.slope) for s in best.stages[:-1]]
        for bend in sorted(known, key=lambda bend: bend not in mine):  # what is worse than the best's own stops early
            bends = {NONE: usual[NONE], bend: known[bend]}
            ceiling = min((p.cost for p in found), default=math.inf) + 2 * CHANGE
            search = replace(self, like=best.stages, bends=bends, ceiling=ceiling, tried=0)
            found += search.run([start])[:1]
            self.tried += search.tried
        return sorted(found, key=lambda p: p.cost)

    def run(self, starts: Iterable[Prefix]) -> list[Prefix]:
        """The whole chain's readings, the cheapest first."""
        live = [p for p in starts if self._left(0, p.size, None) < IMPOSSIBLE]
        for i, block in enumerate(self.blocks):
            grown = [new for prefix in live for new in self._grow(i, prefix)]
            grown.sort(key=lambda p: p.cost + self._left(i + 1, p.size, p.before))
            self.tried += len(grown)
            live = self._kept(grown, 2 if self.like else BEAM[self.level] if block.norm else OPEN_BEAM)
        done = [replace(p, cost=p.cost + self.end(p.size)) for p in live]
        return sorted(done, key=lambda p: p.cost)

    def _kept(self, grown: list[Prefix], most: int) -> list[Prefix]:
        """The best, of which each start (uniform or normal z) and each eps, which acts only later, keeps some."""

        def kind(p: Prefix) -> tuple[str, float]:
            return p.z_distribution, p.stages[-1].eps

        kept: list[Prefix] = []
        for _, group in itertools.groupby(sorted(grown, key=kind), kind):
            kept += [*group][:most]
        if not kept:
            return []
        best = min(kept, key=lambda p: p.cost)
        slack = HOPELESS + SPARED * max(best.misfits, default=0.1)
        return [p for p in kept if p.cost <= min(best.cost + slack, self.ceiling)]

    @torch.no_grad()
    def _grow(self, i: int, prefix: Prefix) -> Iterator[Prefix]:
        block = self.blocks[i]
        for (bend, cost), x in self._bent(i, prefix):
            stages = prefix.stages
            if stages and not stages[-1].norm_last:
                slopes = self.blocks[i - 1].prelu
                count = 1 if slopes is None else len(slopes.weight)
                stages = (*stages[:-1], replace(stages[-1], activation=bend[0], slope=bend[1], slopes=count))
            wanted = [
                g
                for g in options(block, prefix.size, self.role, self.level > 1 or bool(self.like))
                if (not self.like or as_in(g, self.like[i]))
                and self._left(i + 1, g.size, moved(block, prefix.size, g, prefix.before)) < IMPOSSIBLE
            ]
            # where no norm has yet forgotten which latents were drawn, it takes many to blur them
            more = 1 if any(b.keeps_statistics for b in self.blocks[:i]) else UNNORMED
            some = judged(block)
            made = (
                ((g, None) for g in wanted) if x is None else products(block, x, wanted, more, some, FEWEST[self.role])
            )
            pooled_before = bool(stages) and stages[-1].pool > 1
            for geometry, product in made:
                names = _against_names(block, bend, geometry, self._cut_before(i) + pooled_before)
                new = replace(
                    prefix,
                    cost=prefix.cost + cost + unlikelihood(geometry, prefix.before) + names,
                    before=moved(block, prefix.size, geometry, prefix.before),
                    size=geometry.size,
                    stages=(*stages, _stage(block, geometry)),
                    values=product.values if product else None,
                )
                yield from self._normed(i, new, product) if block.norm else [new]

    def _cut_before(self, i: int) -> bool:
        """Whether units are cut into maps right in front of layer i, which takes a module of its own."""
        if i == 0 or not self.blocks[i - 1].reshape:
            return False
        return self.blocks[i - 1].norm is None or self.blocks[i - 1].unit_norm

    def _bent(self, i: int, prefix: Prefix) -> Iterator[tuple[tuple[Bend, float], Tensor | None]]:
        """What may stand between the last layer and layer i: each activation with its cost, and the values behind."""
        x = prefix.values() if prefix.values and i <= self._last_norm else None
        if i == 0 or prefix.stages[-1].norm_last:
            pool = (prefix.stages[-1].pool, prefix.stages[-1].pooling) if i else (1, "max")
            yield (NONE, 0.0), None if x is None else pooled(x, *pool)
            return
        last = prefix.stages[-1]
        if (slopes := self.blocks[i - 1].prelu) is not None:
            x = None if x is None else nn.functional.prelu(x, slopes.weight)
            yield (("prelu", 0.2), 0.0), None if x is None else pooled(x, last.pool, last.pooling)
            return
        before = [(s.activation, s.slope) for s in prefix.stages[:-1]]
        for bend, cost in self._bends.items():
            if before:  # rare habits are paid for once
                cost = 0.0 if bend == before[-1] else cost + CHANGE * (bend != NONE)
            yield (bend, cost), None if x is None else pooled(activate(x, *bend), last.pool, last.pooling)

    def _normed(self, i: int, prefix: Prefix, product: Product | None) -> Iterator[Prefix]:
        """The norm right behind the product, or behind an activation where the names leave room for one."""
        block = self.blocks[i]
        assert block.norm is not None  # noqa: S101  # the caller has looked
        places: list[tuple[Bend, float]] = [(NONE, 0.0 if not block.norm_gap else AGAINST_NAMES)]
        if block.prelu is None and (block.norm_gap or (self.level and block.norm_gap is None)):
            spare = 0.0 if block.norm_gap else 0.05
            places += [(bend, cost + spare) for bend, cost in self._bends.items() if bend != NONE]
            if block.reshape:  # the module in between may only cut the units into maps
                places[0] = (NONE, 0.0)
        tensors = dict(block.norm.tensors)
        if product is None or not block.keeps_statistics:  # nothing to compare
            norm = _kind(block)
            for bend, cost in places:
                stage = replace(prefix.stages[-1], norm=norm)
                if bend != NONE:
                    stage = replace(stage, activation=bend[0], slope=bend[1], norm_last=True)
                values = functools.partial(normalised_alone, product, bend, block.norm) if product else None
                yield replace(prefix, cost=prefix.cost + cost, values=values, stages=(*prefix.stages[:-1], stage))
            return
        for bend, cost in places:
            moments = product.moments(bend, block.unit_norm)
            some = judged(block)
            stored = (tensors["running_mean"], tensors["running_var"])
            found = residuals(*moments, *(stored if some is None else (t[some] for t in stored)))
            stage = replace(prefix.stages[-1], norm=_kind(block))
            if bend != NONE:
                stage = replace(stage, activation=bend[0], slope=bend[1], norm_last=True)
            for eps, eps_cost in self._eps(prefix, tensors["running_var"]):
                yield replace(
                    prefix,
                    cost=prefix.cost + cost + eps_cost + surprise(2 * float(found.mean()), self.role),
                    values=functools.partial(normalised, product, bend, block.unit_norm, tensors, eps),
                    stages=(*prefix.stages[:-1], replace(stage, eps=eps)),
                    residuals=(*prefix.residuals, found),
                )

    def _eps(self, prefix: Prefix, variance: Tensor) -> list[tuple[float, float]]:
        used = [s.eps for s in prefix.stages[:-1] if s.norm != "none"]
        found = []
        for eps, cost in (RARE_EPS if self.level else EPS).items():
            if eps == 1e-5 or float((eps / variance.clamp(min=1e-12)).median()) > 1e-3:
                habit = (0.05 if used[-1] != eps else 0.0) if used else cost
                found.append((eps, habit))
        return found


def surprise(misfit: float, role: Role) -> float:
    """What a norm's misfit costs: a discriminator's statistics saw real images too, and none agrees well with them."""
    return misfit if role == "generator" else 0.1 * math.log1p(10 * misfit)


def _kind(block: Block) -> Norm:
    if block.norm and block.norm.kind in ("instance", "layer"):
        return block.norm.kind
    return "unit" if block.unit_norm and block.reshape else "channel"


def _stage(block: Block, geometry: Geometry) -> Stage:
    shape = (block.channels, block.reshape, block.reshape) if block.reshape else None
    return Stage(
        block.op,
        block.inputs,
        block.outputs,
        block.kernel,
        geometry.stride,
        geometry.padding,
        geometry.output_padding,
        bias="bias" in block.module.tensors,
        shape=shape,
        upsample=geometry.upsample,
        interpolation=geometry.interpolation,
        pool=geometry.pool,
        pooling=geometry.pooling,
    )


def _against_names(block: Block, bend: Bend, geometry: Geometry, more: int) -> float:
    """What it costs that the modules needed are more than the names leave room for, or that too few are."""
    if block.gap is None:
        return 0.0
    needed = (bend != NONE and bend[0] != "prelu") + (geometry.upsample > 1) + more
    if needed > block.gap or (block.gap and not needed):
        return AGAINST_NAMES
    return UNUSED * (block.gap - needed)
