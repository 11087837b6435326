"""The paper's figure 7, a row of draws by every method, and the rates as a chart."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe import Figure
from gan_probe.measures.intervals import t_mean, wilson
from gan_probe.report.figures import INK, interval_chart, new_figure
from gan_probe_plugins.vector_arithmetic.tables import wanted
from gan_probe_plugins.vector_arithmetic.trial import AROUND, CONTROLS, MEAN, PIXELS, RANDOM

if TYPE_CHECKING:
    from gan_probe.sampling import Samples
    from gan_probe_plugins.vector_arithmetic.rates import Scored
    from gan_probe_plugins.vector_arithmetic.trial import Trial

SHOWN = 5  # exemplars of a concept in a picture
DRAWS = 10  # columns of the picture of draws


def equation_figure(trial: Trial, samples: Samples, number: int, which: str) -> Figure:
    """The exemplars and their means, the sum amid its neighbours, and the same sum of pixels, for the first draw."""
    rows = min(SHOWN, max(n.shape[1] for n in trial.numbers))
    figure = new_figure(6.4, 1.15 + 0.62 * (rows + 1))
    parts = np.asarray(figure.subfigures(1, 3, width_ratios=[3.4, 3.2, 1.5]))
    left, middle, right = parts
    axes = left.subplots(rows + 1, 3)
    for column, (sign, term) in enumerate(zip(("", "− ", "+ "), trial.terms, strict=True)):  # noqa: RUF001  # a minus
        _blank(axes[:, column])
        shown = samples.pixels[trial.numbers[column][0, :rows]]
        for row, image in enumerate([*shown, *[None] * (rows - len(shown)), trial.means[column, 0]]):
            if image is not None:
                _show(axes[row, column], image)
        axes[0, column].set_title(sign + _wrapped(term), fontsize=7.5)
    axes[rows, 0].set_ylabel("mean z", fontsize=8)
    grid = middle.subplots(3, 3)
    _blank(grid)
    for place, image in zip(grid.flat, trial.around[0], strict=True):
        _show(place, image)
    _frame(grid[1, 1])
    middle.suptitle("G(y) amid neighbours", fontsize=8.5)
    alone = right.subplots()
    _blank(np.array([alone]))
    _show(alone, trial.images[PIXELS][0])
    alone.set_title("the same in\npixels", fontsize=8.5)
    k = trial.numbers[0].shape[1]
    return Figure(
        f"equation-{number}",
        figure,
        title=trial.equation,
        caption=f"Columns: exemplars of each concept{f', {rows} of them' if k > rows else ''} ({which}), above the "
        "image of their mean latent. Framed: the image of the sum y, amid 8 neighbours y + uniform(-0.25, 0.25). "
        "Right, as control: the exemplars' mean images, added and clipped.",
        alt=f"Exemplar images of {', '.join(trial.terms)}, the resulting images in a 3x3 grid, and their pixel sum.",
    )


def draws_figure(scored: Scored, number: int) -> Figure:
    """The first draws in columns, the methods in rows; successes are framed."""
    methods = (MEAN, *CONTROLS)
    columns = min(DRAWS, len(scored.around))
    figure = new_figure(6.4, 0.25 + 0.56 * len(methods))
    axes = figure.subplots(len(methods), columns, squeeze=False)
    _blank(axes)
    for row, method in enumerate(methods):
        success = scored.success(method)
        for column in range(columns):
            _show(axes[row, column], scored.trial.images[method][column])
            if success[column]:
                _frame(axes[row, column])
        axes[row, 0].set_ylabel(
            textwrap.fill(method, 14), fontsize=7.5, rotation=0, ha="right", va="center", labelpad=6
        )
    hits = int(scored.success(MEAN)[:columns].sum())
    return Figure(
        f"draws-{number}",
        figure,
        title=f"{scored.trial.equation}: the first {columns} draws",
        caption=f"A column is a draw of exemplars, none chosen (n = {columns} of {len(scored.around)}). Framed: shows "
        f"{wanted(scored)} to the judges, and is plausible. Every row below the first is a control.",
        alt=f"{hits} of {columns} images of the first row succeed.",
    )


def success_figure(scored: Scored, number: int) -> Figure:
    """The rate of success by method."""
    n = len(scored.around)
    names: list[str] = []
    values: list[tuple[float, float, float]] = []
    for method in (MEAN, AROUND, *CONTROLS):
        if method == AROUND:
            values.append(t_mean(scored.around))
        else:
            count = int(scored.success(method).sum())
            values.append((count / n, *wilson(count, n)))
        names.append(method)
    rates, lows, highs = zip(*values, strict=True)
    return Figure(
        f"success-{number}",
        interval_chart(names, rates, lows, highs, xlabel=f"share of draws that show {wanted(scored)}", spec=".0%"),
        title=f"{scored.trial.equation}: success by method",
        caption=f"Share of {n} draws that show every class expected, plausibly. 95 % intervals: Wilson, over draws; "
        f"Student's t for the neighbours. Control of chance: {RANDOM}.",
        alt=f"{MEAN} succeeds in {rates[0]:.0%} of draws, {PIXELS} in {rates[names.index(PIXELS)]:.0%}.",
    )


def _wrapped(term: str) -> str:
    return "\n".join(textwrap.wrap(term, 12)[:3])


def _blank(axes: Any) -> None:
    for place in axes.flat:
        place.set_xticks([])
        place.set_yticks([])
        for spine in place.spines.values():
            spine.set_visible(False)


def _show(place: Any, image: np.ndarray) -> None:
    place.imshow(image.repeat(3, axis=2) if image.shape[2] == 1 else image, interpolation="nearest")


def _frame(place: Any) -> None:
    for spine in place.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(2)
        spine.set_color(INK)
