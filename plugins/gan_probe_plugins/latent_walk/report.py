"""The walk as a report: the verdict and what it rests on, the places, the pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, Figure, Report, Table
from gan_probe.measures.bootstrap import bootstrap_mean
from gan_probe.measures.paths import HALF, SHARP
from gan_probe.report.animation import webp
from gan_probe.report.figures import image_grid
from gan_probe_plugins.latent_walk.chart import speed_chart
from gan_probe_plugins.latent_walk.walks import FADED, HALVINGS, LOOKED_UP, MEMORISED, SHUFFLED, STEPS, WALK

if TYPE_CHECKING:
    from gan_probe import Context
    from gan_probe.report import Cell
    from gan_probe_plugins.latent_walk.walks import Path, Walk

SHOWN = 3  # every third frame, in the figure
MILLISECONDS = 60
LEAPS = "sharp transitions: memorisation or collapse suspected"
COLLAPSED = "stands still: collapse suspected"
OVER_LEGS = "95 %, percentile bootstrap over legs"


def report(walk: Walk, ctx: Context) -> Report:
    """Tables, figures, animation and notes of a walk."""
    names = _names(walk)
    legs = len(walk.ends) - 1
    frames = np.rint(walk.main.frames).astype(np.uint8)  # (L, K + 1, H, W, C)
    return Report(
        tables=[
            _verdicts(walk, names),
            _places(walk),
            _steps(walk, names, ctx.rng("latent-walk/steps")),
            _lengths(walk, names),
        ],
        figures=[
            Figure(
                "walk",
                image_grid(frames[:, ::SHOWN].reshape(-1, *frames.shape[2:]), STEPS // SHOWN + 1),
                title=f"A walk through {legs + 1} random latents",
                caption=f"{legs} legs, one a row, from one latent to the next{_rows(walk)}; every third frame of "
                f"{STEPS + 1}. {_way(walk)} Seed {ctx.seed}.",
                alt=f"{legs} rows of generated images, each changing from its left end to its right.",
            ),
            Figure(
                "speed",
                speed_chart(
                    [p for p in walk.paths if p.smoothness], [names[p.name] for p in walk.paths if p.smoothness]
                ),
                title="How fast the images change along the walk",
                caption=f"Root mean square change of the pixels in each of {STEPS} steps of {legs} legs, over the "
                f"path's mean (1: even). Dots: the largest steps, halved {HALVINGS} times; triangles: {SHARP:g} times "
                "the mean (dashed) or more, a sharp transition. Nothing is drawn below 0.05.",
                alt=f"Speed along the walk, beside cross-fades, which are even, and a generator that memorised "
                f"{MEMORISED} images, which stands still and leaps. The walk: {verdict(walk.main)}.",
            ),
        ],
        artifacts=[
            Artifact("walk.webp", webp(*_film(walk, frames), milliseconds=MILLISECONDS), "the walk as an animation"),
            Artifact("z.npy", _npy(walk.ends.numpy()), "the latents that the walk passes through"),
        ],
        notes=[*_conclusions(walk), *walk.notes],
    )


def verdict(path: Path) -> str:
    """What is said of a path, in words."""
    assert path.smoothness is not None  # noqa: S101  # shuffled frames are not judged
    if path.still:
        return COLLAPSED
    if path.smoothness.leaps:
        return LEAPS
    return "isolated sharp transitions" if path.smoothness.isolated else "smooth"


def _verdicts(walk: Walk, names: dict[str, str]) -> Table:
    rows: list[dict[str, Cell]] = []
    for path in walk.paths:
        if path.smoothness is None or path.places is None:
            continue
        half, sharp = path.smoothness.half, path.smoothness.sharp
        rows.append(
            {
                "path": names[path.name],
                "verdict": verdict(path).split(":")[0],
                "half in": half and half.value,
                "low": half and half.low,
                "high": half and half.high,
                "sharp a leg": sharp.value,
                "sharp low": sharp.low,
                "sharp high": sharp.high,
            }
        )
    shares, counts = ("half in", "low", "high"), ("sharp a leg", "sharp low", "sharp high")
    return Table(
        "verdict",
        rows,
        title="Is the walk smooth?",
        caption="half in: the share of a leg in which half of its change happens, at the fastest (50 %: even). sharp a "
        f"leg: places that go {SHARP:g} times as fast as the path when their step has been halved {HALVINGS} times. "
        f"{len(walk.main.frames)} legs; intervals: {OVER_LEGS}. Sharp transitions are said where half of the change takes less than {HALF:.0%} of a "
        "leg, or where sharp places are more than none, by the intervals. Limits set on 13 generators that memorised "
        f"nothing, 20 walks each. Distances in pixels. Controls: {_control(walk)}.",
        formats=dict.fromkeys(shares, ".1%") | dict.fromkeys(counts, ".2f"),
    )


def _places(walk: Walk) -> Table:
    places = walk.main.places
    assert places is not None  # noqa: S101  # the walk itself is looked into
    fastest = [int(np.argmax(np.where(places.leg == leg, places.speed, -1))) for leg in range(len(walk.main.frames))]
    listed = sorted({*fastest, *np.flatnonzero(places.sharp).tolist()})
    return Table(
        "places",
        [
            {
                "leg": int(places.leg[i]) + 1,
                "step": int(places.step[i]) + 1,
                "at": float(places.at[i]),
                "change": float(places.change[i]),
                "left": float(places.kept[i]),
                "speed": float(places.speed[i]),
                "sharp": "yes" if places.sharp[i] else "no",
            }
            for i in listed
        ],
        title="The fastest place of each leg, and every sharp one",
        caption=f"at: where in the leg. change: of the whole step (1/{STEPS} of the leg), root mean square over "
        f"pixels in grey levels of 255. left: what of it is left in the fastest 1/{2**HALVINGS} of the step (evenly "
        f"{0.5**HALVINGS:.1%}; a leap 100 %). speed: of that part, times the walk's mean; sharp from {SHARP:g}.",
        formats={"at": ".1%", "change": ".1f", "left": ".0%", "speed": ".1f"},
    )


def _steps(walk: Walk, names: dict[str, str], rng: np.random.Generator) -> Table:
    rows: list[dict[str, Cell]] = []
    for space in walk.main.steps:
        for path in walk.paths:
            steps = path.steps[space]
            mean, medians = bootstrap_mean(steps.mean(axis=1), rng), np.median(steps, axis=1)
            ratio = bootstrap_mean(steps.max(axis=1) / medians, rng) if medians.all() else None
            rows.append(
                {
                    "distance in": space,
                    "path": names[path.name],
                    "mean step": mean.value,
                    "low": mean.low,
                    "high": mean.high,
                    "largest / median": ratio and ratio.value,
                    "ratio low": ratio and ratio.low,
                    "ratio high": ratio and ratio.high,
                    "largest step": float(steps.max()),
                }
            )
    return Table(
        "steps",
        rows,
        title="Steps",
        caption=f"{STEPS} steps a leg, {len(walk.main.frames)} legs. Root mean square differences: of pixels in grey "
        "levels of 255, of features in the space named. largest / median: each leg's, on average; none where most "
        f"of a leg's steps change nothing. Intervals: {OVER_LEGS}. Shuffled frames: steps between unrelated frames.",
        formats=dict.fromkeys(("mean step", "low", "high", "largest step"), ".3g")
        | dict.fromkeys(("largest / median", "ratio low", "ratio high"), ".2f"),
    )


def _lengths(walk: Walk, names: dict[str, str]) -> Table:
    return Table(
        "path-length",
        [
            {
                "distance in": space,
                "path": names[path.name],
                "path length": path.length[space].value,
                "low": path.length[space].low,
                "high": path.length[space].high,
                "n": walk.pairs,
            }
            for space in walk.main.steps
            for path in walk.paths
            if path.length
        ],
        title="Perceptual path length",
        caption="Mean of squared distance over the squared step (Karras et al. 2019), "
        f"the step 1/{STEPS} of the way at a random place between two random latents (there 1/10,000, in VGG features: "
        "other numbers; so small a step drowns in the rounding to 8 bits). Distances as in the steps' table, pixels here from 0 to 1. "
        f"95 %, {walk.main.length['pixels'].method}, over {walk.pairs} independent pairs.",
        formats=dict.fromkeys(("path length", "low", "high"), ".3g"),
    )


def _conclusions(walk: Walk) -> list[str]:
    found = {path.name: path for path in walk.paths}
    main, control = found[WALK], found[LOOKED_UP]
    said = [f"Verdict: {verdict(main)}."]
    if not main.still and verdict(control) != LEAPS:
        said.append(
            f"The test has no power here: a generator that memorised {MEMORISED} samples was not found out. Take more --points."
        )
    if main.smoothness is not None and main.smoothness.isolated:
        said.append("Too few sharp transitions to suspect more by: look at them, and take more --points.")
    return said


def _names(walk: Walk) -> dict[str, str]:
    return {
        WALK: "the walk",
        FADED: f"control: {'real' if walk.real else 'samples'} cross-faded",
        LOOKED_UP: f"control: {MEMORISED} memorised",
        SHUFFLED: "control: shuffled",
    }


def _control(walk: Walk) -> str:
    images = f"random images of {walk.real}" if walk.real else "its samples"
    return (
        f"the same walk through a generator that gives the sample whose latent is nearest, out of {MEMORISED}; "
        f"cross-fades between {images}"
    )


def _rows(walk: Walk) -> str:
    return ", each row with one label" if walk.gan.card.classes else ""


def _way(walk: Walk) -> str:
    return "Great circles, as z is normal." if walk.spherical else "Straight lines, as z is uniform."


def _film(walk: Walk, frames: np.ndarray) -> tuple[list[np.ndarray], list[str]]:
    """Frames (H, W, 3) and their captions; where legs share their ends, none is shown twice."""
    legs, classes = len(frames), walk.gan.card.classes
    film, captions = [], []
    for i, leg in enumerate(frames):
        shown = leg if classes or i + 1 == legs else leg[:-1]
        film += [np.broadcast_to(frame, (*frame.shape[:2], 3)) for frame in shown]
        label = f", {classes[i % len(classes)]}" if classes else ""
        captions += [f"leg {i + 1} of {legs}{label}"] * len(shown)
    return film, captions


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
