"""Samples beside their nearest training images, held-out images beside theirs, and how far all of them are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure
from gan_probe.measures.copying import SHARE
from gan_probe.report.figures import BLUE, COLUMN, INK, VERMILION, new_figure, two_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe_plugins.nearest_neighbors.looks import Look
    from gan_probe_plugins.nearest_neighbors.sets import Sets

ROWS = 8  # images shown of either side
COLUMNS = 4  # neighbours shown at most, and the image itself


def closest(look: Look, sets: Sets, sizes: str) -> Figure:
    """The samples nearest to a training image with their neighbours, and the same of held-out images."""
    sides = [
        _beside(sets.samples, look.samples.indices, look.sample_distances[:, 0], sets.train),
        _beside(sets.held_out, look.held_out.indices, look.held_out_distances[:, 0], sets.train),
    ]
    height, width = sides[0].shape[:2]
    figure = new_figure(COLUMN, 0.3 + 1.6 * height / width)
    panels = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
    for axes, picture, title in zip(panels, sides, ("samples | training", "held-out | training"), strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title)
        axes.set_axis_off()
    shown = min(ROWS, len(sets.samples))
    return Figure(
        f"closest-{look.kind}",
        figure,
        title=f"The nearest in {look.name}",
        caption=f"In each row an image, and right of the gap its nearest training images in {look.name}, the nearest "
        f"first. Left: the {shown} samples nearest to any training image; right, the control: the held-out images "
        f"nearest to any. Of {sizes}.",
        alt=f"Generated and held-out images, each beside its nearest training images in {look.name}.",
    )


def _beside(images: np.ndarray, indices: np.ndarray, nearest: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The nearest few images, each in a row with its neighbours behind a gap, as a picture (rows, columns, 3)."""
    order = np.argsort(nearest, kind="stable")[:ROWS]
    size = images.shape[1]
    pad, gap = max(1, size // 10), max(2, size // 3)
    shown = min(indices.shape[1], COLUMNS)
    picture = np.full((ROWS * (size + pad) - pad, size + gap + shown * (size + pad) - pad, 3), 255, np.uint8)
    for row, i in enumerate(order):
        top = row * (size + pad)
        picture[top : top + size, :size] = images[i]
        for column, j in enumerate(indices[i, :shown]):
            left = size + gap + column * (size + pad)
            picture[top : top + size, left : left + size] = train[j]
    return picture


def distances(looks: Sequence[Look], sizes: str) -> Figure:
    """The share of samples and of held-out images within each distance of a training image, one panel a space."""
    figure = new_figure(COLUMN, 0.55 + 1.3 * len(looks))
    panels = figure.subplots(len(looks), 1, squeeze=False)[:, 0]
    for axes, look in zip(panels, looks, strict=True):
        for values, colour, line, name in (
            (look.sample_distances[:, 0], VERMILION, "-", "samples"),
            (look.held_out_distances[:, 0], BLUE, "--", "held-out images"),
        ):
            at = np.sort(values)
            share = np.arange(1, len(at) + 1) / len(at)
            axes.step(np.r_[at[0], at], np.r_[share[0], share], where="post", color=colour, linestyle=line, label=name)
        axes.axvline(look.tail.threshold, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_yticks([0.001, 0.01, 0.1, 1], ["0.1%", "1%", "10%", "100%"])
        axes.set_ylim(min(0.5 / len(look.sample_distances), 0.005), 1.3)
        axes.minorticks_off()
        axes.grid(axis="y")
        axes.set_ylabel("share within")
        axes.set_title(two_lines(look.name, 44), loc="left")
    figure.legend(handles=panels[0].lines[:2], loc="outside upper left", ncols=2, frameon=False)
    panels[-1].set_xlabel("RMS difference to the nearest training image")
    return Figure(
        "distances",
        figure,
        title="How near samples and held-out images are to the training images",
        caption=f"Share of the images within a root mean square difference of their nearest training image, in steps. "
        f"Dotted: the held-out images' lowest {SHARE:.0%}, the test's threshold; copies lift the samples' line left of "
        f"it. Pixels run from 0 to 1. Control: held-out images. Single images, without intervals. {sizes}.",
        alt="Cumulative shares of samples and held-out images by distance to the nearest training image, by space.",
    )
