"""Figures as PNG, and the house style: quiet charts that survive grey print and colour blindness."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import FuncFormatter

from gan_probe.report.model import Drawn
from gan_probe.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe.report.model import Figure

DPI = 200
SHOWN_SIDE = 800  # pixels: smaller pictures are enlarged, unsmoothed, so that their pixels can be seen
LARGEST_SIDE = 16_000  # pixels: beyond it no browser shows the picture
# A subset of Okabe and Ito's palette, ordered so that neighbours also differ in grey.
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
INK, FAINT = "#222222", "#d0d0d0"
WHITE_TO_BLUE = LinearSegmentedColormap.from_list("white_to_blue", ["#ffffff", "#9cc9e3", BLUE, "#00324f"])
STYLE: Any = {  # matplotlib's own type of it is a literal of three hundred names
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": (
        "cycler('color', ['#0072B2', '#E69F00', '#009E73', '#D55E00', '#56B4E9', '#CC79A7'])"
        " + cycler('linestyle', ['-', '--', '-.', ':', '-', '--'])"
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "font.family": ["DejaVu Sans"],
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "font.size": 10,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "image.cmap": "cividis",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.parse_math": False,  # a class named "$x" is a name, not a formula
    "xtick.color": INK,
    "xtick.labelsize": 9.5,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.labelsize": 9.5,
    "ytick.major.width": 0.7,
}


class HouseFigure(MatplotlibFigure):
    """A matplotlib figure whose axes are made and drawn in the house style, whatever the global settings are."""

    def add_subplot(self, *args: Any, **kwargs: Any) -> Any:
        """Add axes in the house style."""
        with rc_context(STYLE):
            return super().add_subplot(*args, **kwargs)

    def draw(self, renderer: Any) -> None:
        """Draw in the house style: ticks are made only now."""
        with rc_context(STYLE):
            super().draw(renderer)


def new_figure(width: float = 5.6, height: float = 3.4) -> MatplotlibFigure:
    """An empty figure in the house style, `width` x `height` inches; 5.6 inches suit phones and paper."""
    with rc_context(STYLE):
        return HouseFigure(figsize=(width, height), layout="constrained")


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as PNG, without dates or versions; pixels below 800 a side are enlarged by a whole factor.

    Raises TypeError for content that is neither a matplotlib figure nor (H, W) or (H, W, 3) uint8, and ValueError for
    an empty or a monstrous picture.
    """
    content = figure.content
    if isinstance(content, Drawn):
        if not content.files.get(".png", b"").startswith(b"\x89PNG\r\n\x1a\n"):
            raise ValueError("it was drawn before, but not as PNG")
        return content.files[".png"]
    if isinstance(content, MatplotlibFigure):
        return _draw(content, dpi)
    if isinstance(content, np.ndarray):
        return _encode(content)
    raise TypeError(f"its content is {type(content).__name__}, not a matplotlib figure or a uint8 array")


def _draw(figure: MatplotlibFigure, dpi: int) -> bytes:
    width, height = figure.get_size_inches()
    if not max(width, height) * DPI <= LARGEST_SIDE:
        raise ValueError(f"it measures {width:.0f} x {height:.0f} inches; at most {LARGEST_SIDE // DPI} are allowed")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # the font lacks Chinese and emoji: boxes in the picture, the names in the tables
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            buffer,
            format="png",
            dpi=dpi,
            facecolor="white",
            bbox_inches=None if figure.get_layout_engine() else "tight",
            pad_inches=0.05,
            metadata={"Software": None},
        )
    return buffer.getvalue()


def _encode(pixels: np.ndarray) -> bytes:
    from PIL import Image

    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise TypeError(f"its pixels are {pixels.dtype} {pixels.shape}, not uint8 (H, W) or (H, W, 3)")
    if pixels.size == 0 or max(pixels.shape[:2]) > LARGEST_SIDE:
        raise ValueError(f"its size is {pixels.shape[0]} x {pixels.shape[1]}, not 1 to {LARGEST_SIDE} a side")
    factor = -(-SHOWN_SIDE // max(pixels.shape[:2]))
    enlarged = np.ascontiguousarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1))
    buffer = io.BytesIO()
    Image.fromarray(enlarged).save(buffer, format="PNG")
    return buffer.getvalue()


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
    names = [shorten(label, 40) for label in labels]
    figure = new_figure(5.6, 0.85 + 0.28 * len(x))
    axes = figure.subplots()
    with rc_context(STYLE):
        drawn = np.isfinite(low) & np.isfinite(high)
        axes.hlines(y[drawn], low[drawn], high[drawn], color=BLUE, linewidth=1.4)
        axes.plot(np.r_[low[drawn], high[drawn]], np.r_[y[drawn], y[drawn]], "|", color=BLUE, markersize=7)
        axes.plot(x, y, "o", color=BLUE, markersize=4)
        axes.set_yticks(y, names)
        axes.set_ylim(len(x) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", linestyle=(0, (1, 2)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, spec)))
        axes.set_xlabel(xlabel)
        axes.margins(x=0.04)
        numbers = axes.secondary_yaxis("right")
        numbers.set_yticks(y, [format(value, spec) for value in x])
        numbers.tick_params(axis="y", length=0)
        numbers.spines["right"].set_visible(False)
    return figure


def curve_chart(
    lines: Mapping[str, Sequence[tuple[float, float, float, float]]], xlabel: str, ylabel: str, spec: str = ".3g"
) -> MatplotlibFigure:
    """Lines of (x, value, low, high) with their intervals over a logarithmic x, told apart by colour and by marker."""
    figure = new_figure(5.6, 3.6)
    axes = figure.subplots()
    with rc_context(STYLE):
        axes.set_xscale("log")
        for i, (name, points) in enumerate(lines.items()):
            x, y, low, high = np.array(sorted(points), dtype=float).T
            bars = [y - low, high - y]
            axes.errorbar(x, y, bars, marker="os^Dvp"[i % 6], markersize=4, capsize=2, label=shorten(name, 40))
        ticks = sorted({x for points in lines.values() for x, *_ in points})
        axes.set_xticks(ticks, [f"{x:,.0f}" for x in ticks])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, spec)))
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.margins(x=0.1)
        axes.legend(frameon=False)
    return figure


def _short(value: float, spec: str) -> str:
    """A tick's number: percentages without decimals, others as short as they are exact."""
    return format(value, ".6g") if not spec.endswith("%") else f"{100 * value:.4g}%"


def confusion_chart(matrix: np.ndarray, classes: Sequence[str]) -> MatplotlibFigure:
    """Counts (K, K), true class by predicted class, as percentages of each true class; K up to a few hundred.

    Up to 20 classes the percentages are written in, up to 40 the classes are named.
    """
    counts = np.asarray(matrix, dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)  # (K, K), rows sum to 1
    k = len(share)
    side = float(np.clip(1.6 + 0.36 * k, 3.4, 6.0))
    figure = new_figure(side + 0.5, side)
    axes = figure.subplots()
    with rc_context(STYLE):
        image = axes.imshow(share, vmin=0, vmax=1, cmap=WHITE_TO_BLUE, interpolation="nearest")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        if k <= 40:
            names = [shorten(name, 24) for name in classes]
            slanted = max(map(len, names), default=0) > 3
            axes.set_yticks(range(k), names)
            axes.set_xticks(range(k), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
            axes.tick_params(labelsize=9 if k <= 20 else 6)
        if k <= 20:
            for (row, column), value in np.ndenumerate(share):
                ink = "white" if value > 0.45 else INK if value >= 0.005 else "#9a9a9a"
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=ink, fontsize=8)
        else:
            percent = FuncFormatter(lambda value, _: f"{100 * value:.0f}%")
            figure.colorbar(image, ax=axes, shrink=0.6, format=percent, label="share of the true class")
    return figure
