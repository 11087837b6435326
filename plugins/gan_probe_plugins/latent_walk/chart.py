"""The walk's speed, step by step, beside that of its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from gan_probe.measures.paths import SHARP
from gan_probe.report.figures import BLUE, FAINT, INK, VERMILION, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe_plugins.latent_walk.walks import Path

SLOWEST = 0.05  # drawn: on a logarithmic axis there is no place for what stands still


def speed_chart(paths: Sequence[Path], names: Sequence[str]) -> MatplotlibFigure:
    """One panel a path: the speed of its steps, and of the places looked into, over the path's mean speed."""
    figure = new_figure(5.6, 0.7 + 1.45 * len(paths))
    panels = figure.subplots(len(paths), 1, sharex=True, sharey=True)
    highest = max(float(path.places.speed.max(initial=SHARP)) for path in paths if path.places is not None)
    for axes, path, name in zip(panels, paths, names, strict=True):
        steps = path.steps["pixels"]
        legs, count = steps.shape
        speed = np.maximum(steps.ravel() / (steps.mean() or 1), SLOWEST)
        axes.set_yscale("log")
        axes.stairs(speed, np.arange(legs * count + 1) / count, baseline=SLOWEST, fill=True, color=BLUE, alpha=0.35)
        axes.stairs(speed, np.arange(legs * count + 1) / count, baseline=None, color=BLUE, linewidth=0.8)
        axes.axhline(SHARP, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        if path.places is not None:
            sharp, where = path.places.sharp, path.places.leg + path.places.at
            axes.plot(where[~sharp], path.places.speed[~sharp], ".", color=INK, markersize=3.5)
            axes.plot(where[sharp], path.places.speed[sharp], "v", color=VERMILION, markersize=5)
        axes.set_ylim(SLOWEST, 2.5 * highest)
        axes.set_xlim(0, legs)
        axes.set_xticks(range(legs + 1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.minorticks_off()
        axes.grid(axis="x", color=FAINT)
        axes.set_title(name, loc="left")
    panels[-1].set_xlabel("legs of the walk")
    figure.supylabel("speed, times the path's mean", fontsize=10)
    return figure
