"""The walk's tables: the verdict and what it rests on, the fastest places, the steps, the path length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Table
from gan_probe.measures.paths import HALF, SHARP, over_legs
from gan_probe_plugins.latent_walk.measured import HALVINGS, STEPS
from gan_probe_plugins.latent_walk.walks import MEMORISED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Cell
    from gan_probe_plugins.latent_walk.measured import Path
    from gan_probe_plugins.latent_walk.walks import Walk

OVER_LEGS = "95 %, Student's t over legs"
LEAPS = "sharp transitions"
COLLAPSED = "stands still"


def verdict(path: Path) -> str:
    """What is said of a path, in a word or two."""
    assert path.smoothness is not None  # noqa: S101  # shuffled frames are not judged
    if path.still:
        return COLLAPSED
    if path.smoothness.leaps:
        return LEAPS
    return "isolated leaps" if path.smoothness.isolated else "smooth"


def verdict_table(walk: Walk) -> Table:
    """The walk's smoothness and its controls'."""
    rows = [
        {"path": path.name, "verdict": verdict(path)}
        | _cells(("half in", "low", "high"), path.smoothness.half)
        | _cells(("sharp a leg", "sharp low", "sharp high"), path.smoothness.sharp)
        for path in walk.paths
        if path.smoothness is not None
    ]
    images = f"random images of {walk.real}" if walk.real else "its samples"
    return Table(
        "verdict",
        rows,
        title="Smoothness of the walk",
        caption="half in: the share of a leg in which half of its change happens, at the fastest (50 %: even). sharp a "
        f"leg: places that go {SHARP:g} times as fast as the path when their step has been halved {HALVINGS} times. "
        f"{len(walk.main.frames)} legs; intervals: {OVER_LEGS}; of sharp places, the percentile bootstrap over legs, "
        "which of eight holds the truth 85 to 90 times in 100; of none, Garwood's. Sharp transitions are "
        f"found where half of the change takes less than {HALF:.0%} of a leg, or sharp places are more than none, by "
        "the intervals: limits set on 13 DCGANs trained on a thousand images or more, 20 walks each. Distances in "
        f"pixels. Controls: cross-fades of {images}; the same walk through a generator that memorised {MEMORISED} "
        "samples, and gives the one whose latent is nearest.",
        formats=dict.fromkeys(("half in", "low", "high"), ".1%")
        | dict.fromkeys(("sharp a leg", "sharp low", "sharp high"), ".2f"),
    )


def places_table(walk: Walk) -> Table:
    """Where the walk goes fastest, in each leg, and all its sharp transitions."""
    places = walk.main.places
    assert places is not None  # noqa: S101  # the walk itself is looked into
    fastest = [int(np.argmax(np.where(places.leg == leg, places.speed, -1))) for leg in range(len(walk.main.frames))]
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
            for i in sorted({*fastest, *np.flatnonzero(places.sharp).tolist()})
        ],
        title="The fastest place of each leg, and every sharp one",
        caption=f"at: where in the leg. change: of the whole step (1/{STEPS} of the leg), root mean square of "
        f"pixels, in grey levels of 255. left: what of it is left in the fastest 1/{2**HALVINGS} of the step (evenly "
        f"{0.5**HALVINGS:.1%}; a leap 100 %). speed: of that part, times the walk's mean; sharp from {SHARP:g}.",
        formats={"at": ".1%", "change": ".1f", "left": ".0%", "speed": ".1f"},
    )


def steps_table(walk: Walk) -> Table:
    """How long steps are, and the largest against the median, in each feature space."""
    rows = []
    for space in walk.main.steps:
        for path in walk.paths:
            steps = path.steps[space]
            medians = np.median(steps, axis=1)
            ratio = over_legs(steps.max(axis=1) / medians) if medians.all() else None
            rows.append(
                {"distance in": space, "path": path.name}
                | _cells(("mean step", "low", "high"), over_legs(steps.mean(axis=1)))
                | _cells(("peak", "peak low", "peak high"), ratio)
            )
    return Table(
        "steps",
        rows,
        title="Steps",
        caption=f"{STEPS} steps a leg, {len(walk.main.frames)} legs. Root mean square differences: of pixels in grey "
        "levels of 255, of features in the space named. peak: a leg's largest step over its median, on average; "
        "none where most of a leg's steps change nothing. "
        f"Intervals: {OVER_LEGS}. Shuffled: steps between unrelated frames of the walk.",
        formats=dict.fromkeys(("mean step", "low", "high"), ".3g")
        | dict.fromkeys(("peak", "peak low", "peak high"), ".2f"),
    )


def lengths_table(walk: Walk) -> Table:
    """The perceptual path length in each feature space."""
    return Table(
        "path-length",
        [
            {"distance in": space, "path": path.name} | _cells(("path length", "low", "high"), path.length[space])
            for space in walk.main.steps
            for path in walk.paths
            if path.length
        ],
        title="Perceptual path length",
        caption="Mean of squared distance over the squared step (Karras et al. 2019), the step "
        f"1/{STEPS} of the way at a random place between two random latents (there 1/10,000, in VGG features: other "
        "numbers; so small a step drowns in the rounding to 8 bits). Root mean square differences, as above, of pixels "
        f"from 0 to 1. 95 %, {walk.main.length['pixels'].method} ({walk.pairs}, independent).",
        formats=dict.fromkeys(("path length", "low", "high"), ".3g"),
    )


def _cells(columns: Sequence[str], found: Estimate | None) -> dict[str, Cell]:
    values = (None, None, None) if found is None else (found.value, found.low, found.high)
    return dict(zip(columns, values, strict=True))
