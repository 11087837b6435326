"""A reading: the stages of one network, what speaks for them, the runner-up, and what was taken by convention."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.checkpoints.infer.evidence import differences, standard_errors
from gan_probe.checkpoints.infer.search import SLOPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.search import Prefix
    from gan_probe.checkpoints.weights import Role
    from gan_probe.network import Network
    from gan_probe.stage import Stage

SURE = 3.0  # standard errors by which a rival must be worse
FAR = 0.03  # unlikelihood and misfit together, beyond which a rival is out
CLOSE, HINTED = 0.015, 0.003  # unlikelihood within which a discriminator's reading is doubtful, without hints and with
LOUD = 0.4  # a misfit below which a hint is to be trusted
POOR = 0.25  # the median difference of a layer beyond which no reading is believed
POOR_HINT = 0.6  # that of a discriminator, whose statistics saw real images too: a trained one stays below 0.2
UNSEEN = "no stored statistic bears on it"  # why something was assumed
SPELT = {"relu": "ReLU", "prelu": "PReLU", "elu": "ELU", "selu": "SELU"}


@dataclass(frozen=True)
class Evidence:
    """One batch norm: median over channels of |difference of means| / sigma and of the relative one of variances."""

    layer: str
    mean: float
    variance: float


@dataclass(frozen=True)
class Reading:
    """How a network was read from its weights.

    `misfit` sums the layers' mean disagreement with their stored statistics, `runner_up` says in what the next best
    reading differs, `margin` by how much more it disagrees, `errors` the margin in standard errors;
    `doubts` are properties that the statistics bear on but do not settle, `assumed` those that were taken for other
    reasons, each with its own.
    """

    role: Role
    stages: tuple[Stage, ...]
    z_distribution: str
    evidence: tuple[Evidence, ...]
    misfit: float
    runner_up: str
    margin: float | None
    errors: float | None
    doubts: tuple[str, ...]
    assumed: tuple[str, ...]
    tried: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        data = dataclasses.asdict(self)
        data["stages"] = [stage.to_dict() for stage in self.stages]
        return data


def evidence(net: Network, x: Tensor) -> tuple[Evidence, ...]:
    """The agreement of every batch norm when all of them normalise by the batch x makes."""
    if not net.norms:
        return ()
    found = net.moments(x)
    stored = net.statistics or {}
    pairs = {
        name: differences(found[name].mean, found[name].variance, held.mean, held.variance)
        for name, held in stored.items()
    }
    return tuple(Evidence(name, float(m.median()), float(v.median())) for name, (m, v) in pairs.items())


@dataclass(frozen=True)
class Rivals:
    """What the readings behind the best say of it; `near` is a doubt that changes an image by a per cent at most."""

    runner_up: str = ""
    margin: float | None = None
    errors: float | None = None
    doubts: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


def rivals(done: Sequence[Prefix], names: Sequence[str]) -> Rivals:
    """The runner-up and its margin, and what rivals differ in that the statistics hardly tell from the best."""
    best = done[0]
    found = Rivals()
    seen = {round(best.misfit, 6)}  # an equal misfit differs only behind the last norm
    for other in done[1:]:
        if round(other.misfit, 6) in seen:
            continue
        seen.add(round(other.misfit, 6))
        other = _up_to_the_last_norm(best, other)
        words = "; ".join(_differences(best, other, names))
        theirs = "; ".join(_differences(other, best, names))
        errors = standard_errors(torch.cat(best.residuals), torch.cat(other.residuals))
        if found.margin is None:
            found = replace(found, runner_up=theirs, margin=other.misfit - best.misfit, errors=errors)
        if other.cost - best.cost >= FAR:
            continue
        if _nearly_same(best, other):  # the noise of other latents may tell them apart wrongly
            found = replace(found, near=(*found.near, words))
        elif errors < SURE and not _odd(best, other):
            found = replace(found, doubts=(*found.doubts, words))
    return found


def close(done: Sequence[Prefix], names: Sequence[str]) -> tuple[str, ...]:
    """In what the nearest reading differs that moves its kernels otherwise, where that is hardly less likely."""
    best = done[0]
    moves = [geometry(stage) for stage in best.stages]
    within = CLOSE if not best.residuals else HINTED if max(best.misfits) < LOUD else 2 * CLOSE
    for other in done[1:]:
        if other.cost - best.cost < within and [geometry(stage) for stage in other.stages] != moves:
            return ("; ".join(_differences(best, other, names)),)
    return ()


def _up_to_the_last_norm(best: Prefix, other: Prefix) -> Prefix:
    """The other reading with the best's parts behind the last norm, on which no statistic bears."""
    last = max((i for i, stage in enumerate(best.stages) if stage.norm != "none"), default=-1)
    mine, theirs = best.stages[last], other.stages[last]
    if last >= 0 and not theirs.norm_last and not mine.norm_last:
        theirs = replace(theirs, activation=mine.activation, slope=mine.slope)
    return replace(other, stages=(*other.stages[:last], theirs, *best.stages[last + 1 :]) if last >= 0 else best.stages)


def _odd(best: Prefix, other: Prefix) -> bool:
    """Whether the other has slopes that hardly anybody writes, where the best has not."""
    return any(
        (theirs.activation, theirs.slope) in SLOPES
        for mine, theirs in zip(best.stages, other.stages, strict=True)
        if (mine.activation, mine.slope) != (theirs.activation, theirs.slope)
    )


def _nearly_same(best: Prefix, other: Prefix) -> bool:
    """Whether they differ only in leaks of a hundredth."""

    def flat(stage: Stage) -> Stage:
        return replace(stage, activation="relu", slope=0.2) if 0 <= _leak(stage) <= 0.01 else stage

    return best.z_distribution == other.z_distribution and [*map(flat, best.stages)] == [*map(flat, other.stages)]


def _leak(stage: Stage) -> float:
    return {"relu": 0.0, "leaky_relu": stage.slope}.get(stage.activation, -1.0)


def _differences(best: Prefix, other: Prefix, names: Sequence[str]) -> list[str]:
    found = []
    if best.z_distribution != other.z_distribution:
        found.append(f"z is {best.z_distribution}, not {other.z_distribution}")
    for name, a, b in zip(names, best.stages, other.stages, strict=True):
        if (a.activation, a.slope) != (b.activation, b.slope):
            found.append(f"{name}'s activation is {bend(a)}, not {bend(b)}")
        if geometry(a) != geometry(b):
            found.append(f"{name} has {geometry(a)}, not {geometry(b)}")
        if a.norm_last != b.norm_last:
            found.append(f"{name} normalises {'behind' if a.norm_last else 'before'} its activation")
        if a.eps != b.eps:
            found.append(f"{name}'s eps is {a.eps:g}, not {b.eps:g}")
        if a.norm != b.norm or a.op != b.op:
            found.append(f"{name} is a {a.op} with norm by {a.norm}, not a {b.op} by {b.norm}")
    return found or ["its layers come in another order"]


def bend(stage: Stage) -> str:
    """The activation in words."""
    if stage.activation == "leaky_relu":
        return f"leaky ReLU {stage.slope:g}"
    return SPELT.get(stage.activation, stage.activation)


def geometry(stage: Stage) -> str:
    """Stride and paddings in words."""
    parts = [f"stride {stage.stride}", f"padding {stage.padding}"]
    if stage.output_padding:
        parts.append(f"output padding {stage.output_padding}")
    if stage.upsample > 1:
        parts.append(f"{stage.upsample}x {stage.interpolation} enlargement")
    if stage.pool > 1:
        parts.append(f"{stage.pool}x {stage.pooling} pooling")
    return ", ".join(parts)
