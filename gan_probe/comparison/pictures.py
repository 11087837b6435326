"""Pictures of the same name from every checkpoint's report, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.report import Figure
from gan_probe.report.drawing import DPI
from gan_probe.report.figures import PAGE, new_figure
from gan_probe.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.comparison.contenders import Contender

MOST = 12  # checkpoints whose pictures stand beside each other
ACROSS = 3  # of them in a row
WIDE = 1.5  # width over height, from which pictures stand below each other


def side_by_side(contenders: Sequence[Contender], analysis: str) -> list[Figure]:
    """A figure for every picture made of pixels that at least two checkpoints have."""
    found: dict[str, list[tuple[str, Figure, np.ndarray]]] = {}
    for contender in contenders:
        report = contender.reports.get(analysis)
        for figure in report.figures if report else ():
            if isinstance(figure.content, np.ndarray):
                found.setdefault(figure.name, []).append((contender.name, figure, figure.content))
    return [_beside(figures[:MOST], len(figures)) for figures in found.values() if len(figures) > 1]


def _beside(figures: Sequence[tuple[str, Figure, np.ndarray]], there: int) -> Figure:
    first = figures[0][1]
    height, width = np.max([pixels.shape[:2] for _, _, pixels in figures], axis=0)
    columns = 1 if width > WIDE * height else min(ACROSS, len(figures))
    rows = -(-len(figures) // columns)
    # as many dots as pixels, so that none is lost; no narrower than a text
    side = max(PAGE, columns * width / DPI)
    picture = new_figure(side, rows * (side / columns * height / width + 0.3))
    axes = np.ravel(picture.subplots(rows, columns, squeeze=False))
    for place in axes:
        place.set_axis_off()
    for place, (name, _, pixels) in zip(axes, figures, strict=False):
        place.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        place.set_title(shorten(name, 40), fontsize=8 * side / PAGE)
    names = ", ".join(name for name, *_ in figures)
    more = f" The first {len(figures)} of {there}." if there > len(figures) else ""
    return Figure(
        f"{first.name}-side-by-side",
        picture,
        title=f"{first.title or first.name}, by checkpoint",
        caption=f"{names}.{more} Each: {first.caption}",
        alt=f"{first.title or first.name} of {names}, beside each other.",
    )
