"""Axes between two groups, new latents moved along them and along random directions, and what a judge says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError, Measure, Report
from gan_probe.annotations import read_concepts
from gan_probe.arithmetic import disjoint_draws, rises, spearman
from gan_probe.sampling import sample_units
from gan_probe_plugins.concepts import (
    Gallery,
    domain_note,
    doubts,
    judge_name,
    judges_table,
    known_classes,
    open_judges,
)
from gan_probe_plugins.turn_vector import pictures, tables
from gan_probe_plugins.turn_vector.paragraph import paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe import GAN, Context
    from gan_probe.judge import Judge
    from gan_probe_plugins.turn_vector import TurnVectorOptions


@dataclass(frozen=True, eq=False)
class Axes:
    """The ends' names, the axes (M, Z) from the first to the second, and each end's exemplars by number.

    `images` are the exemplars of the first axis, (k, H, W, C) uint8 for each end. `pools` says how many samples the
    exemplars were drawn from, None where a person marked them, and `seen` holds the judge's probabilities (N, K) on all
    candidates.
    """

    ends: tuple[str, str]
    values: np.ndarray
    numbers: tuple[np.ndarray, np.ndarray]
    images: tuple[np.ndarray, np.ndarray]
    pools: tuple[int, int] | None
    seen: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Turned:
    """Images along the axes and along random directions, and the judge's response to each.

    `positions` (S,) are in axes' lengths, 0 the original; responses (M, S) run from 0, surely the first end, to 1,
    surely the second. `rows` (R, S, H, W, C) uint8 move along the first axis, all of them, and `astray` along one
    random direction.
    """

    axes: Axes
    positions: np.ndarray
    rows: np.ndarray
    astray: np.ndarray
    responses: np.ndarray | None
    control: np.ndarray | None


def turn(gan: GAN, options: TurnVectorOptions, ctx: Context) -> Report:
    """The whole analysis, from options to report."""
    specs = () if options.judge is None else (options.judge,)
    name = judge_name(options.judge)[0] if options.judge is not None else ""
    if options.concepts is None:
        _check_ends(options.ends or (), known_classes(specs, ctx)[name])
    judges = open_judges(specs, gan.card, ctx)
    judge = judges.get(name)
    axes = _marked(gan, options, ctx) if options.concepts is not None else _judged(gan, judges, name, options, ctx)
    knows = judge is not None and set(axes.ends) <= set(judge.classes)
    turned = _turned(gan, axes, judge if knows else None, options, ctx)
    notes, findings = [], []
    found = [tables.exemplars(axes, options)]
    figures = [*pictures.strips(turned), pictures.exemplars(axes)]
    if turned.responses is not None and turned.control is not None:
        rng = ctx.rng("turn-vector/bootstrap")
        response = tables.response(turned, rng)
        steadiness = tables.steadiness(turned, rng)
        found = [response, steadiness, tables.difference(turned), *found, judges_table(judges, axes.seen)]
        figures.append(pictures.response_figure(response, turned))
        findings.append(tables.verdict(response, steadiness, turned))
        notes += [*doubts(judges, axes.seen), domain_note(judges, "generated images")]
        if len(turned.responses) < tables.FEW:
            notes.append(f"Fewer than {tables.FEW} latents, so wide intervals: more --candidates allow more.")
    elif judge is not None:
        notes.append(f"The judge knows {', '.join(judge.classes)}, not {' and '.join(axes.ends)}: it was not asked.")
    else:
        notes.append("Without a --judge that knows both groups there are pictures only, and no response.")
    if axes.pools is None:
        notes.append("The exemplars were marked by hand: there is one axis, and intervals are over latents alone.")
    return Report(
        findings=findings,
        tables=found,
        figures=figures,
        artifacts=[pictures.animation(turned)],
        measures=[] if turned.responses is None else _measures(gan, axes.ends, turned.responses, ctx),
        methods=paragraph(turned),
        notes=notes,
    )


def _measures(gan: GAN, ends: tuple[str, str], responses: np.ndarray, ctx: Context) -> list[Measure]:
    """Each latent's steadiness: every checkpoint turns the same ones, along the axis of its own exemplars."""
    units, axis = sample_units(gan, ctx), f"from {ends[0]} to {ends[1]}"
    return [
        Measure(
            "monotone",
            rises(responses, tables.SLACK),
            f"Latents that turn monotonely {axis}",
            "latent",
            units,
            better="higher",
            format=".1%",
        ),
        Measure(
            "spearman",
            spearman(responses),
            f"Rank correlation of response and step, {axis}",
            "latent",
            units,
            better="higher",
            format=".2f",
        ),
    ]


def _check_ends(ends: Sequence[str], classes: Sequence[str]) -> None:
    for end in ends:
        if end not in classes:
            raise BadInputError(f"{end[:40]!r} is no class of the judge; there are {', '.join(classes)[:120]}")


def _judged(gan: GAN, judges: dict[str, Judge], name: str, options: TurnVectorOptions, ctx: Context) -> Axes:
    """An axis for every draw of exemplars, none of which is used twice."""
    classes = judges[name].classes
    first, second = options.ends or (classes[0], classes[-1])
    gallery = Gallery.judged(ctx.samples(gan, options.candidates), judges)
    pools = [gallery.pool(end, options.confidence) for end in (first, second)]
    numbers = disjoint_draws(pools, options.exemplars, options.latents, ctx.rng("turn-vector/exemplars"))
    if numbers.shape[1] < 2:
        rarest = int(np.argmin([len(pool) for pool in pools]))
        raise BadInputError(
            f"too few samples for two axes: {len(pools[rarest])} of {options.candidates:,} show "
            f"{(first, second)[rarest][:50]!r} at {options.confidence:.0%}; try more --candidates or less --confidence"
        )
    z = gallery.samples.z.numpy().astype(np.float64)
    means = z[numbers].mean(2)  # (2, M, Z)
    sizes = (len(pools[0]), len(pools[1]))
    images = (gallery.samples.pixels[numbers[0, 0]], gallery.samples.pixels[numbers[1, 0]])
    return Axes((first, second), means[1] - means[0], (numbers[0], numbers[1]), images, sizes, gallery.probabilities)


def _marked(gan: GAN, options: TurnVectorOptions, ctx: Context) -> Axes:
    """One axis, from all exemplars that a person marked, for every latent."""
    marked = read_concepts(options.concepts or "", gan.card, ctx.seed)
    if options.ends is None and len(marked.names) < 2:
        raise BadInputError(f"the file marks {len(marked.names)} concepts: an axis needs two")
    first, second = options.ends or (marked.names[0], marked.names[-1])
    for end in (first, second):
        if not marked.of(end):
            raise BadInputError(f"the concept {end[:60]!r} has no exemplars: mark some in gan-probe annotate")
    low, high = (np.array([marked.of(end)], dtype=np.int64) for end in (first, second))
    samples = ctx.samples(gan, 1 + int(max(low.max(), high.max())))
    z = samples.z.numpy().astype(np.float64)
    images = (samples.pixels[low[0]], samples.pixels[high[0]])
    axis = z[high].mean(1) - z[low].mean(1)  # (1, Z)
    return Axes((first, second), np.repeat(axis, options.latents, axis=0), (low, high), images, None)


def _turned(gan: GAN, axes: Axes, judge: Judge | None, options: TurnVectorOptions, ctx: Context) -> Turned:
    import torch

    positions = np.linspace(-options.reach, options.reach, options.steps)
    positions[options.steps // 2] = 0
    n = len(axes.values)
    z = gan.latent(n, ctx.rng("turn-vector/z")).numpy().astype(np.float64)
    # as long as the axes, each in a direction of its own
    astray = ctx.rng("turn-vector/control").standard_normal(axes.values.shape)
    astray *= np.linalg.norm(axes.values, axis=1, keepdims=True) / np.linalg.norm(astray, axis=1, keepdims=True)

    def along(start: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Images (M, S, H, W, C) of latents moved along their directions."""
        latents = start[:, None] + positions[None, :, None] * directions[:, None]  # (M, S, Z)
        rows = torch.from_numpy(latents.reshape(-1, latents.shape[2]).astype(np.float32))
        images = gan.to_uint8(gan.sample(rows, batch_size=ctx.batch_size))
        return images.reshape(len(start), len(positions), *images.shape[1:])

    def responses(directions: np.ndarray, asked: Judge, what: str) -> np.ndarray:
        found = []
        for begin in range(0, n, ctx.batch_size):
            part = slice(begin, begin + ctx.batch_size)
            images = along(z[part], directions[part])
            found.append(response(asked, images.reshape(-1, *images.shape[2:]), axes.ends).reshape(images.shape[:2]))
            ctx.progress(min(begin + ctx.batch_size, n), n, what)
        return np.concatenate(found)

    shown = min(pictures.SHOWN, n)
    return Turned(
        axes,
        positions,
        along(z[:shown], np.repeat(axes.values[:1], shown, axis=0)),
        along(z[:shown], np.repeat(astray[:1], shown, axis=0)),
        None if judge is None else responses(axes.values, judge, "turning"),
        None if judge is None else responses(astray, judge, "turning at random"),
    )


def response(judge: Judge, images: np.ndarray, ends: tuple[str, str]) -> np.ndarray:
    """How far each image (N, H, W, C) is from the first end to the second, (N,) in 0..1.

    Half of one plus the difference of the two ends' probabilities: with two classes that is the second's probability,
    with more, any class between the ends counts half.
    """
    probabilities = judge(images).astype(np.float64)
    low, high = (probabilities[:, list(judge.classes).index(end)] for end in ends)
    return np.asarray((1 + high - low) / 2)
