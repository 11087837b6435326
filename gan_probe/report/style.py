"""The house style of charts, and figures that keep to it whatever matplotlib's global settings are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMN, PAGE = 3.25, 6.75  # inches: the widths of a paper's column and of both
# A subset of Okabe and Ito's palette, ordered so that neighbours also differ in grey.
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
INK, GREY, FAINT = "#222222", "#8a8a8a", "#d0d0d0"
STYLE: Any = {  # matplotlib's own type of it is a literal of three hundred names
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelpad": 2.5,
    "axes.linewidth": 0.6,
    "axes.prop_cycle": (
        "cycler('color', ['#0072B2', '#E69F00', '#009E73', '#D55E00', '#56B4E9', '#CC79A7'])"
        " + cycler('linestyle', ['-', '--', '-.', ':', '-', '--'])"
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlepad": 3.5,
    "axes.titlesize": 8.5,
    "font.family": ["DejaVu Sans"],
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.size": 8,  # points at a paper's size: 7 to 9 is what journals ask for
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "image.cmap": "cividis",
    "legend.columnspacing": 1.4,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "text.color": INK,
    "text.parse_math": False,  # a class named "$x" is a name, not a formula
    "xtick.color": INK,
    "xtick.labelsize": 7.5,
    "xtick.major.pad": 2.5,
    "xtick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.color": INK,
    "ytick.labelsize": 7.5,
    "ytick.major.pad": 2.5,
    "ytick.major.size": 3,
    "ytick.major.width": 0.6,
}


def _styled(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method in the house style: matplotlib reads its settings when an artist is made."""

    @functools.wraps(method)
    def within(*args: Any, **kwargs: Any) -> Any:
        with rc_context(STYLE):
            return method(*args, **kwargs)

    return within


class HouseAxes(Axes):
    """Axes whose artists are made in the house style."""


DRAWING = (
    "annotate", "axhline", "axhspan", "axvline", "axvspan", "bar", "barh", "errorbar", "fill_between", "grid", "hist",
    "hlines", "imshow", "legend", "pcolormesh", "plot", "scatter", "secondary_yaxis", "set_title", "set_xlabel",
    "set_xticks", "set_ylabel", "set_yticks", "stairs", "step", "text", "vlines",
)  # fmt: skip
for _name in DRAWING:
    setattr(HouseAxes, _name, _styled(getattr(Axes, _name)))


class HouseFigure(MatplotlibFigure):
    """A figure whose axes are made and drawn in the house style."""

    def add_subplot(self, *args: Any, **kwargs: Any) -> Any:
        """Add axes in the house style."""
        if not kwargs.keys() & {"axes_class", "polar", "projection"}:
            kwargs["axes_class"] = HouseAxes
        with rc_context(STYLE):
            return super().add_subplot(*args, **kwargs)

    def draw(self, renderer: Any) -> None:
        """Draw in the house style: ticks are made only now."""
        with rc_context(STYLE):
            super().draw(renderer)


for _name in ("colorbar", "legend", "suptitle", "supxlabel", "supylabel"):
    setattr(HouseFigure, _name, _styled(getattr(MatplotlibFigure, _name)))


def new_figure(width: float = COLUMN, height: float = 2.2) -> MatplotlibFigure:
    """An empty figure in the house style, `width` x `height` inches.

    `COLUMN` wide, it fits one column of a paper, and a phone; `PAGE`, both columns.
    """
    with rc_context(STYLE):
        return HouseFigure(figsize=(width, height), layout="constrained")
