"""Charts in the house style: quiet, at the size of a paper's column, for grey print and the colour-blind too."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gan_probe.report.lettering import legible, unwritten
from gan_probe.report.style import (
    BLUE,
    COLUMN,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    VERMILION,
    new_figure,
)
from gan_probe.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = [
    "BLUE", "COLUMN", "FAINT", "GREEN", "GREY", "INK", "ORANGE", "PAGE", "PURPLE", "SKY", "VERMILION",
    "confusion_chart", "curve_chart", "image_grid", "interval_chart", "legible", "new_figure", "two_lines",
    "unwritten",
]  # fmt: skip
WHITE_TO_BLUE = LinearSegmentedColormap.from_list("white_to_blue", ["#ffffff", "#9cc9e3", BLUE, "#00324f"])


def image_grid(images: np.ndarray, columns: int, pad: int = 2) -> np.ndarray:
    """Images (N, H, W, C) uint8, C 1 or 3, as one picture (rows, columns, 3) uint8, row by row, on white.

    `pad` pixels stand between and around them. Raises ValueError for no image or another shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not len(images) or columns < 1:
        raise ValueError(f"a grid needs uint8 images (N, H, W, 1 or 3), not {images.dtype} {images.shape}")
    n, height, width, _ = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    grid = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        top = pad + i // columns * (height + pad)
        left = pad + i % columns * (width + pad)
        grid[top : top + height, left : left + width] = image  # one channel is broadcast to three
    return grid


def interval_chart(
    labels: Sequence[str],
    values: Sequence[float],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    xlabel: str,
    spec: str = ".3g",
) -> MatplotlibFigure:
    """Dots with their intervals, one row a label, the first on top; `spec` formats the numbers (`".1%"`, `".3g"`).

    A None in `lows` or `highs` draws no interval.
    """
    x, low, high = (np.asarray(v, dtype=float) for v in (values, lows, highs))  # (N,); None becomes NaN
    y = np.arange(len(x))
    names = [two_lines(label) for label in legible(labels)]
    figure = new_figure(COLUMN, 0.55 + (0.3 if any("\n" in name for name in names) else 0.2) * len(x))
    axes = figure.subplots()
    drawn = np.isfinite(low) & np.isfinite(high)
    axes.hlines(y[drawn], low[drawn], high[drawn], color=BLUE, linewidth=1.2)
    axes.plot(np.r_[low[drawn], high[drawn]], np.r_[y[drawn], y[drawn]], "|", color=BLUE, markersize=6)
    axes.plot(x, y, "o", color=BLUE, markersize=4)
    axes.set_yticks(y, names)
    axes.set_ylim(len(x) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", linestyle=(0, (1, 2)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, spec)))
    axes.set_xlabel(two_lines(xlabel, 38))
    axes.margins(x=0.04)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    numbers = axes.secondary_yaxis("right")
    numbers.set_yticks(y, [format(value, spec) for value in x])
    numbers.tick_params(axis="y", length=0)
    numbers.spines["right"].set_visible(False)
    return figure


def curve_chart(
    lines: Mapping[str, Sequence[tuple[float, float, float, float]]], xlabel: str, ylabel: str, spec: str = ".3g"
) -> MatplotlibFigure:
    """Lines of (x, value, low, high) with their intervals over a logarithmic x, told apart by colour and by marker."""
    figure = new_figure(COLUMN, 2.4)
    axes = figure.subplots()
    axes.set_xscale("log")
    for i, (name, points) in enumerate(zip(legible(list(lines)), lines.values(), strict=True)):
        x, y, low, high = np.array(sorted(points), dtype=float).T
        bars = [y - low, high - y]
        aside = 1.03 ** (i - (len(lines) - 1) / 2)  # so that bars do not hide each other
        axes.errorbar(x * aside, y, bars, marker="os^Dvp"[i % 6], markersize=3.5, capsize=2, label=shorten(name, 40))
    ticks = sorted({x for points in lines.values() for x, *_ in points})
    axes.set_xticks(ticks, [f"{x:,.0f}" for x in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, spec)))
    axes.set_xlabel(two_lines(xlabel, 44))
    axes.set_ylabel(two_lines(ylabel, 30))
    axes.margins(x=0.1)
    letters = sum(min(len(name), 40) + 8 for name in lines)
    figure.legend(loc="outside upper left", ncols=len(lines) if letters <= 60 else 1)  # no line runs below it
    return figure


def two_lines(text: str, width: int = 20) -> str:
    """A label on one line or two of about so many characters, shortened where that is not enough."""
    even = max(len(text) // 2 + 4, width // 2)  # lines of like length
    lines = textwrap.wrap(shorten(text, 2 * width), min(width, even) if len(text) > width else width)
    return "\n".join([*lines[:1], shorten(" ".join(lines[1:]), width)]) if len(lines) > 1 else shorten(text, width)


def _short(value: float, spec: str) -> str:
    """A tick's number: percentages without decimals, others as short as they are exact."""
    return format(value, ".6g") if not spec.endswith("%") else f"{100 * value:.4g}%"


def confusion_chart(matrix: np.ndarray, classes: Sequence[str]) -> MatplotlibFigure:
    """Counts (K, K), true class by predicted class, as percentages of each true class; K up to a few hundred.

    Up to 20 classes the percentages are written in, up to 40 the classes are named. Ten classes fit one column.
    """
    counts = np.asarray(matrix, dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)  # (K, K), rows sum to 1
    k = len(share)
    figure = new_figure(COLUMN, 3.1) if k <= 10 or k > 40 else new_figure(PAGE, 6.3)
    axes = figure.subplots()
    image = axes.imshow(share, vmin=0, vmax=1, cmap=WHITE_TO_BLUE, interpolation="nearest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if k <= 40:
        names = [shorten(name, 24) for name in legible(classes)]
        slanted = max(map(len, names), default=0) > 3
        axes.set_yticks(range(k), names)
        axes.set_xticks(range(k), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axes.tick_params(labelsize=7.5 if k <= 20 else 7)
    if k <= 20:
        for (row, column), value in np.ndenumerate(share):
            ink = "white" if value > 0.45 else INK if value >= 0.005 else GREY
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=ink, fontsize=7)
    else:
        percent = FuncFormatter(lambda value, _: f"{100 * value:.0f}%")
        figure.colorbar(image, ax=axes, shrink=0.6, format=percent, label="share of the true class")
    return figure
