"""The walk as a report: the pictures, the animation, and what is concluded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, Figure, Report
from gan_probe.measures.paths import SHARP
from gan_probe.report import quoted
from gan_probe.report.animation import webp
from gan_probe.report.figures import image_grid
from gan_probe_plugins.latent_walk.chart import speed_chart
from gan_probe_plugins.latent_walk.measured import HALVINGS, STEPS
from gan_probe_plugins.latent_walk.measures import measures
from gan_probe_plugins.latent_walk.tables import (
    COLLAPSED,
    LEAPS,
    lengths_table,
    places_table,
    steps_table,
    verdict,
    verdict_table,
)
from gan_probe_plugins.latent_walk.walks import MEMORISED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe import Context, Table
    from gan_probe.report import Cell
    from gan_probe_plugins.latent_walk.walks import Walk

SHOWN = 3  # every third frame, in the figure
MILLISECONDS = 60
WORDS = {LEAPS: "sharp transitions: memorisation or collapse suspected", COLLAPSED: "stands still: collapse suspected"}


def report(walk: Walk, ctx: Context) -> Report:
    """Tables, figures, animation and notes of a walk."""
    legs = len(walk.main.frames)
    frames = np.rint(walk.main.frames).astype(np.uint8)  # (L, K + 1, H, W, C)
    way = "great circles, as z is normal" if walk.spherical else "straight lines, as z is uniform"
    rows = ", each row with one label" if walk.gan.card.classes else ""
    words = WORDS.get(verdict(walk.main), verdict(walk.main))
    smoothness = verdict_table(walk)
    return Report(
        findings=[_finding(smoothness, words, legs)],
        tables=[
            smoothness,
            places_table(walk),
            steps_table(walk),
            lengths_table(walk),
        ],
        figures=[
            Figure(
                "walk",
                image_grid(frames[:, ::SHOWN].reshape(-1, *frames.shape[2:]), STEPS // SHOWN + 1),
                title=f"A walk through {legs + 1} random latents",
                caption=f"{legs} legs, one a row, from one latent to the next{rows}: {way}. Every third frame of "
                f"{STEPS + 1}; seed {ctx.seed}. The walk: {words}.",
                alt=f"{legs} rows of generated images, each changing from its left end to its right: {words}.",
            ),
            Figure(
                "speed",
                speed_chart(walk.paths),
                title="How fast the images change along the walk, and along its controls",
                caption=f"Root mean square change of the pixels in each of {STEPS} steps of {legs} legs, over the "
                f"path's mean (1: even). Dots: the largest steps, halved {HALVINGS} times; triangles: {SHARP:g} times "
                "the mean (dashed) or more, a sharp transition. Single steps, without intervals; nothing is drawn "
                "below 0.05. Controls: the lower panels.",
                alt=f"Speed along the walk: {words}. Cross-fades are even; a generator that memorised {MEMORISED} "
                "images stands still and leaps.",
            ),
        ],
        artifacts=[
            Artifact("walk.webp", webp(*_film(walk, frames), milliseconds=MILLISECONDS), "the walk as an animation"),
            Artifact("z.npy", _npy(walk.ends.numpy()), "the latents that the walk passes through"),
        ],
        measures=measures(walk, ctx),
        methods=_methods(walk),
        notes=[*_doubts(walk), *walk.notes],
    )


def _finding(smoothness: Table, words: str, legs: int) -> str:
    """The verdict with the walk's numbers, and those of its controls."""
    first = f"{words[0].upper()}{words[1:]}"
    main, *controls = smoothness.rows
    if main["verdict"] == COLLAPSED:
        return f"{first}. In {legs} legs all frames are one image, to a grey level."

    def told(row: Mapping[str, Cell], *columns: str) -> str:
        value, low, high = (smoothness.text(name, row[name]) for name in columns)
        return f"{value} ({low} to {high})"

    beside = []
    for row in controls:
        who = f"{MEMORISED} memorised samples" if "memorised" in str(row["path"]) else "cross-fades"
        half = "" if row["half in"] is None else f"{smoothness.text('half in', row['half in'])} and "
        beside.append(f"{who} {half}{smoothness.text('sharp a leg', row['sharp a leg'])}")
    half = f"half of a leg's change takes {told(main, 'half in', 'low', 'high')} of it"
    if main["half in"] is None:
        half = "fewer than two change"
    return (
        f"{first}. In {legs} legs, {half}, and "
        f"{told(main, 'sharp a leg', 'sharp low', 'sharp high')} places a leg are sharp; controls: "
        f"{'; '.join(beside)}. Intervals: 95 %."
    )


def _methods(walk: Walk) -> str:
    legs, points = len(walk.main.frames), len(walk.main.frames) + 1
    way = "great circles [@white2016]" if walk.spherical else "straight lines"
    spaces = "".join(f" and of features in {quoted(name)}" for name in walk.main.steps if name != "pixels")
    faded = f"random images of {quoted(walk.real)}" if walk.real else "samples"
    return (
        f"As in section 6.1 of [@radford2016], we walked through {points} random latents, {legs} legs of {STEPS} steps "
        f"each, along {way}. Steps are root mean square differences of pixels{spaces}; "
        f"the largest were halved {HALVINGS} times, and a place {SHARP:g} times as fast as the path on average counts "
        f"as a sharp transition. Controls are the same path of cross-faded {faded}, of a generator "
        f"that memorised {MEMORISED} samples, and of the walk's own frames in random order. "
        "Intervals are 95 %, over legs: Student's t for means, the percentile bootstrap [@efron1979] for sharp places, "
        "and Garwood's [@garwood1936] where no leg has one; that of the perceptual path length [@karras2019] is "
        f"Student's, over {walk.pairs} pairs of latents with a step of 1/{STEPS}."
    )


def _doubts(walk: Walk) -> list[str]:
    said = []
    found = {path.name: verdict(path) for path in walk.paths if path.smoothness is not None}
    blind = [name for name, word in found.items() if "memorised" in name and word != LEAPS]
    if blind and not walk.main.still:
        said.append("A generator that memorised its samples was not found out on this walk: take more --points.")
    if walk.main.smoothness is not None and walk.main.smoothness.isolated:
        said.append("Its sharp transitions are too few to suspect more: look at them, and take more --points.")
    return said


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
