"""The walk's speed, step by step, beside that of its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gan_probe.measures.paths import SHARP
from gan_probe.report.figures import BLUE, COLUMN, FAINT, INK, VERMILION, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe_plugins.latent_walk.measured import Path

SLOWEST = 0.05  # drawn: on a logarithmic axis there is no place for what stands still


def speed_chart(paths: Sequence[Path]) -> MatplotlibFigure:
    """A panel for each path that was looked into: the speed of its steps and places over the path's mean speed."""
    judged = [(path, path.places) for path in paths if path.places is not None]
    figure = new_figure(COLUMN, 0.5 + 1.05 * len(judged))
    highest = max(float(places.speed.max(initial=SHARP)) for _, places in judged)
    panels = figure.subplots(len(judged), 1, sharex=True, sharey=True)
    for axes, (path, places) in zip(panels, judged, strict=True):
        steps = path.steps["pixels"]
        legs, count = steps.shape
        speed = np.maximum(steps.ravel() / (steps.mean() or 1), SLOWEST)
        edges = np.arange(legs * count + 1) / count
        axes.set_yscale("log")
        axes.stairs(speed, edges, baseline=SLOWEST, fill=True, color=BLUE, alpha=0.35)
        axes.stairs(speed, edges, baseline=None, color=BLUE, linewidth=0.8)
        axes.axhline(SHARP, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        sharp, where = places.sharp, places.leg + places.at
        axes.plot(where[~sharp], places.speed[~sharp], ".", color=INK, markersize=3.5)
        axes.plot(where[sharp], places.speed[sharp], "v", color=VERMILION, markersize=5)
        axes.set_ylim(SLOWEST, 2.5 * highest)
        axes.set_xlim(0, legs)
        axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.minorticks_off()
        axes.grid(axis="x", color=FAINT)
        axes.set_title(path.name, loc="left")
    panels[-1].set_xlabel("legs of the walk")
    figure.supylabel("speed, times the path's mean", fontsize=8)
    return figure
