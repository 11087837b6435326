"""The paper's figure 7, a row of draws by every method, and the rates as a chart."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle

from gan_probe import Figure
from gan_probe.report.figures import INK, PAGE, image_grid, interval_chart, legible, new_figure, unwritten
from gan_probe_plugins.vector_arithmetic.tables import rate, wanted
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
    nothing = np.full_like(trial.means[0, 0], 255)
    columns = []
    for numbers, mean in zip(trial.numbers, trial.means[:, 0], strict=True):
        shown = samples.pixels[numbers[0, :rows]]
        columns.append([*shown, *[nothing] * (rows - len(shown)), mean])
    left = np.stack([image for row in zip(*columns, strict=True) for image in row])
    figure = new_figure(PAGE, 0.75 + 0.74 * (rows + 1))
    axes = figure.subplots(1, 3, width_ratios=[3, 3, 1.2])
    places = [_grid(axes[0], left, 3), _grid(axes[1], trial.around[0], 3), _grid(axes[2], trial.images[PIXELS][:1], 1)]
    for column, (sign, term) in enumerate(zip(("", "− ", "+ "), legible(trial.terms), strict=True)):  # noqa: RUF001  # a minus
        axes[0].text(places[0][column][0], -2, sign + _wrapped(term), fontsize=7.5, ha="center", va="bottom")
    axes[0].set_yticks([places[0][3 * rows][1]], ["mean z"], fontsize=8)
    _frame(axes[1], places[1][4], trial.means.shape[3])
    axes[1].set_title("G(y) amid neighbours", fontsize=8.5)
    axes[2].set_title("the same\nin pixels", fontsize=8.5)
    k = trial.numbers[0].shape[1]
    return Figure(
        f"equation-{number}",
        figure,
        title=trial.equation,
        caption=f"Columns: exemplars of each concept{f', {rows} of them' if k > rows else ''} ({which}), above the "
        "image of their mean latent. Framed: the image of the sum y, amid 8 neighbours y + uniform(-0.25, 0.25). "
        f"Right, as control: the exemplars' mean images, added and clipped.{unwritten(trial.terms)}",
        alt=f"Exemplar images of {', '.join(trial.terms)}, the resulting images in a 3x3 grid, and their pixel sum.",
    )


def draws_figure(scored: Scored, number: int) -> Figure:
    """The first draws in columns, the methods in rows; successes are framed."""
    methods = (MEAN, *CONTROLS)
    columns = min(DRAWS, len(scored.around))
    figure = new_figure(PAGE, 0.2 + 0.54 * len(methods))
    axes = figure.subplots()
    images = np.concatenate([scored.trial.images[method][:columns] for method in methods])
    places = _grid(axes, images, columns)
    for place, hit in zip(places, np.concatenate([scored.success(m)[:columns] for m in methods]), strict=True):
        if hit:
            _frame(axes, place, images.shape[1])
    axes.set_yticks([places[row * columns][1] for row in range(len(methods))], methods, fontsize=8)
    hits = int(scored.success(MEAN)[:columns].sum())
    return Figure(
        f"draws-{number}",
        figure,
        title=f"{scored.trial.equation}: the first {columns} draws",
        caption=f"A column is a draw of exemplars, none chosen (n = {columns} of {len(scored.around)}). Framed: shows "
        f"{wanted(scored)} to the judges, and is plausible (near to the data, no overlay). Rows below the first: "
        "controls.",
        alt=f"{hits} of {columns} images of the first row succeed.",
    )


def success_figure(scored: Scored, number: int) -> Figure:
    """The rate of success by method."""
    n = len(scored.around)
    names = [MEAN, AROUND, *CONTROLS]
    found = {name: rate(scored, name) for name in names}
    rates, lows, highs = zip(*((one.value, one.low, one.high) for one in found.values()), strict=True)
    of_neighbours = "" if found[AROUND].method == "Wilson" else f"; {found[AROUND].method} for the neighbours"
    return Figure(
        f"success-{number}",
        interval_chart(
            names, rates, lows, highs, xlabel=f"share of draws that show {legible([wanted(scored)])[0]}", spec=".0%"
        ),
        title=f"{scored.trial.equation}: success by method",
        caption=f"Share of {n} draws that show every class expected, plausibly. 95 % intervals: Wilson, over draws"
        f"{of_neighbours}. Control of chance: {RANDOM}.{unwritten([wanted(scored)])}",
        alt=f"{MEAN} succeeds in {rates[0]:.0%} of draws, {PIXELS} in {rates[names.index(PIXELS)]:.0%} (shown in "
        f"{scored.shown(PIXELS).mean():.0%}).",
    )


def _wrapped(term: str) -> str:
    """A name a line, so that neighbours do not run into each other."""
    names = term.split(" & ")
    return "\n& ".join(textwrap.shorten(name, 15, placeholder="…") for name in names)


def _grid(axes: Any, images: np.ndarray, columns: int) -> list[tuple[float, float]]:
    """Show images (N, H, W, C) in a grid; returns their middles as (x, y)."""
    pad = max(2, images.shape[1] // 6)
    axes.imshow(image_grid(images, columns, pad), interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    height, width = images.shape[1:3]
    return [
        (pad + i % columns * (width + pad) + width / 2 - 0.5, pad + i // columns * (height + pad) + height / 2 - 0.5)
        for i in range(len(images))
    ]


def _frame(axes: Any, middle: tuple[float, float], side: int) -> None:
    corner = (middle[0] - side / 2 - 1, middle[1] - side / 2 - 1)
    axes.add_patch(Rectangle(corner, side + 2, side + 2, fill=False, edgecolor=INK, linewidth=2))
