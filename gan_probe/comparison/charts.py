"""A measure over the checkpoints as a chart: dots in the order given, or a curve over the time of the training."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from gan_probe.report import Figure
from gan_probe.report.figures import BLUE, COLUMN, interval_chart, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe.comparison.rows import Compared, Row
    from gan_probe.measures.intervals import Estimate

LINE = 34  # letters of a vertical label
WIDE = 20  # how many times the first moment the last must be for a logarithmic axis


def chart(one: Compared, caption: str) -> Figure:
    """The measure's values with their intervals: over time, if two of them have a place in a training."""
    title = one.measure.title or one.measure.name
    known = [(row, row.estimate) for row in one.rows if row.estimate is not None]
    placed = [(row.contender.moment, row, found) for row, found in known if row.contender.moment is not None]
    highest = max(known, key=lambda pair: pair[1].value)
    if len(placed) > 1:
        picture = _curve(placed, title, one.measure.format.endswith("%"))
        stars = " A star: significantly different from the one before."
        outside = [row.contender.name for row, _ in known if row.contender.moment is None]
        outside_note = f" Without a place in time, and not drawn: {', '.join(outside)}." if outside else ""
        caption = f"{caption}{stars}{outside_note}"
    else:
        names, values, lows, highs = zip(
            *((row.contender.name, f.value, f.low, f.high) for row, f in known), strict=True
        )
        picture = interval_chart(names, values, lows, highs, xlabel=title, spec=one.format)
    return Figure(
        one.measure.name,
        picture,
        title=title,
        caption=caption,
        alt=f"{title}: the highest of {len(known)} is {highest[0].contender.name}, at "
        f"{format(highest[1].value, one.format)}.",
    )


def _curve(placed: Sequence[tuple[float, Row, Estimate]], ylabel: str, percent: bool) -> MatplotlibFigure:
    from matplotlib.ticker import PercentFormatter, ScalarFormatter

    figure = new_figure(COLUMN, 2.4)
    axes = figure.subplots()
    x = [moment for moment, _, _ in placed]
    y = [found.value for _, _, found in placed]
    axes.fill_between(
        x, [f.low for _, _, f in placed], [f.high for _, _, f in placed], color=BLUE, alpha=0.2, linewidth=0
    )
    axes.plot(x, y, "-", marker="o", markersize=4, color=BLUE)
    for moment, row, found in placed:
        if row.verdict not in (None, "no"):
            axes.annotate("*", (moment, found.high), ha="center", va="bottom", fontsize=13)
    if min(x) > 0 and max(x) >= WIDE * min(x):
        axes.set_xscale("log")
    axes.set_xticks(x, [f"{moment:g}" for moment in x])
    axes.minorticks_off()
    # as many decimals as the ticks need to differ
    axes.yaxis.set_major_formatter(PercentFormatter(1) if percent else ScalarFormatter(useOffset=False))
    epochs = all("epoch" in row.contender.name.lower() for _, row, _ in placed)
    axes.set_xlabel("epochs" if epochs else "number in the snapshot's name")
    axes.set_ylabel(textwrap.fill(ylabel, LINE))
    axes.margins(y=0.12)
    return figure
