"""The figures of a report on collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from gan_probe import Figure
from gan_probe.measures.bins import LEVEL
from gan_probe.measures.intervals import proportion, wilson
from gan_probe.report.figures import (
    BLUE,
    COLUMN,
    FAINT,
    INK,
    VERMILION,
    image_grid,
    legible,
    new_figure,
    two_lines,
    unwritten,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe.measures.bins import Comparison
    from gan_probe.measures.intervals import Estimate
    from gan_probe_plugins.collapse.classes import Classes
    from gan_probe_plugins.collapse.measured import Measured
    from gan_probe_plugins.collapse.sets import Sets

MOST_CLASSES = 30  # that are named in the figure


def measures_figure(found: Measured, sets: Sets) -> Figure:
    """Precision, recall, density and coverage of samples and of held-out images, as figure `measures`."""
    names = ("precision", "recall", "density", "coverage")
    mine, real = ([getattr(side.measures, name) for name in names] for side in (found.samples, found.held))
    ends = ", ".join(f"{name} {estimate.value:.2f}" for name, estimate in zip(names, mine, strict=True))
    return Figure(
        "measures",
        _beside(names, mine, real, "share; of density, ratio", "{:g}"),
        title="Fidelity and variety",
        caption=f"{sets.sizes}. Control: the held-out images. Lines: 95 % intervals, Wilson's; of density Student's.",
        alt=f"Dots with intervals: {ends} of samples.",
    )


def classes_figure(classes: Classes, sets: Sets) -> Figure:
    """How often a judge names each class among samples and held-out images, as figure `classes`."""
    found = classes.samples
    order = np.argsort(-found.real, kind="stable") if len(found.p) > MOST_CLASSES else np.arange(len(found.p))
    shown = order[:MOST_CLASSES]
    mine, real = (_shares(counts, shown) for counts in (found.fake, found.real))
    most = f"; the {MOST_CLASSES} largest classes" if len(found.p) > MOST_CLASSES else ""
    names = [classes.judge.classes[k] for k in shown]
    lost = [classes.judge.classes[k] for k in np.flatnonzero(found.lost_bins)]
    return Figure(
        "classes",
        _beside(names, mine, real, "share of images", "{:.3g}%", 100),
        title="Classes, as a judge names them",
        caption=f"{sets.n:,} samples and, as control, as many held-out real images{most}. Lines: 95 % intervals, "
        f"Wilson's.{unwritten(names)}",
        alt=f"Shares of each class; hardly drawn: {', '.join(lost) or 'none'}.",
    )


def bins_figure(found: Measured, sets: Sets) -> Figure:
    """Each bin's share of samples against that of real images, the largest first, as figure `bins`."""
    bins = found.samples.bins
    order = np.argsort(-bins.real, kind="stable")
    real, fake = (counts[order] / counts.sum() for counts in (bins.real, bins.fake))
    different = _sure(bins)[order]
    x = np.arange(len(order)) + 1
    figure = new_figure(COLUMN, 2.4)
    axes = figure.subplots()
    low, high = np.transpose([wilson(int(count), int(bins.real.sum())) for count in bins.real[order]])
    axes.fill_between(x, low, high, color=FAINT, linewidth=0, step="mid", label="real images, 95 % interval")
    axes.step(x, real, where="mid", color=INK, linewidth=0.9, linestyle="-", label="real images")
    for shown, marker, colour, label in (
        (~different, "o", BLUE, "samples"),
        (different, "X", VERMILION, "samples, different"),
    ):
        if shown.any():  # an empty line that is not clipped would disturb the layout
            axes.plot(x[shown], fake[shown], marker, color=colour, markersize=4.5, clip_on=False, label=label)
    # as many ticks whatever the width: it depends on their labels, and a second drawing would differ from the first
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("bin: clusters of real images, the largest first")
    axes.set_ylabel("share of images")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return Figure(
        "bins",
        figure,
        title="Samples among the kinds of real images",
        caption=f"{sets.sizes}. Different: two-proportion z test at 5 %, Bonferroni's correction for {len(x)} bins; of "
        f"held-out real images, the control, {found.held.bins.corrected} bins do. Band: Wilson's interval.",
        alt=f"{int(different.sum())} of {len(x)} bins differ; {bins.lost.value:.0%} of real images are in lost bins.",
    )


def pairs_figure(found: Measured, sets: Sets) -> Figure:
    """The closest pairs of samples above those of real images, one over the other, as figure `closest-pairs`."""
    mine, theirs = found.samples.pairs, found.held.pairs
    columns = min(len(mine), len(theirs))
    above, below = (
        image_grid(np.concatenate([images[[pair[end] for pair in pairs[:columns]]] for end in (0, 1)]), columns)
        for images, pairs in ((sets.stream.pixels(sets.n), mine), (sets.held_images.images, theirs))
    )
    gap = np.full((above.shape[0] // 8, *above.shape[1:]), 255, np.uint8)
    return Figure(
        "closest-pairs",
        np.concatenate([above, gap, below]),
        title="The closest pairs",
        caption=f"Each column: a pair. Above, the {columns} closest pairs of {sets.n:,} samples; below, those of as "
        f"many held-out real images; in {sets.space.name}. Samples that repeat each other and real images that do not "
        "are a collapse to be seen.",
        alt=f"Four rows of {columns} images: pairs of samples, then pairs of real images.",
    )


def _sure(bins: Comparison) -> np.ndarray:
    return bins.p < LEVEL / len(bins.p)


def _shares(counts: np.ndarray, shown: np.ndarray) -> list[Estimate]:
    return [proportion(int(counts[k]), int(counts.sum())) for k in shown]


def _beside(
    names: Sequence[str], mine: Sequence[Estimate], real: Sequence[Estimate], xlabel: str, ticks: str, scale: float = 1
) -> MatplotlibFigure:
    """Samples as dots, real images as open squares a little below, each with its interval."""
    figure = new_figure(COLUMN, 0.75 + 0.25 * len(names))
    axes = figure.subplots()
    y = np.arange(len(names))
    for estimates, shift, colour, marker, filled, label in (
        (mine, -0.14, BLUE, "o", BLUE, "samples"),
        (real, 0.14, INK, "s", "white", "held-out real images"),
    ):
        axes.hlines(y + shift, [e.low for e in estimates], [e.high for e in estimates], color=colour, linewidth=1.4)
        axes.plot(
            [e.value for e in estimates],
            y + shift,
            marker,
            color=colour,
            markerfacecolor=filled,
            markersize=4.5,
            clip_on=False,  # a share of 0 lies on the axis
            label=label,
        )
    axes.set_yticks(y, [two_lines(name) for name in legible(names)])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: ticks.format(scale * value))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel(xlabel)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure
