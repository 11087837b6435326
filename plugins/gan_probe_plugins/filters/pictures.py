"""The paper's Figure 5: what excites single filters most, and why, trained beside random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan_probe import Figure
from gan_probe.report.figures import PAGE, image_grid, legible, new_figure, unwritten
from gan_probe_plugins.filters.fields import crop, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets

GREY = 128  # no gradient
BLANK = 225  # no pixel
WIDE, GAP, TITLE = (
    (PAGE - 0.15) / 2,
    0.15,
    0.22,
)  # inches: a network's pictures, between the networks, above each filter


class Column(NamedTuple):
    """A network, which of its filters to picture, and how selective they are, where that is known."""

    seen: Seen
    filters: list[int]
    found: Selectivity | None


def figure(
    gan: GAN, columns: Sequence[Column], wanted: Targets, top: int, data: str, ctx: Context, notes: list[str]
) -> Figure:
    """Guided gradients above what the filter sees, a column for each network."""
    count, one = len(columns[0].filters), columns[0].seen
    tall = WIDE * 2 / top  # of a filter's two rows of pictures
    width, height = len(columns) * WIDE + GAP, count * (tall + TITLE)
    drawing = new_figure(width, height)
    # a layout in plain numbers: matplotlib's own moves a little with every drawing
    drawing.set_layout_engine("none")
    edges = {"left": 0, "right": 1, "bottom": 0.06 / height, "top": 1 - TITLE / height}
    between = {"wspace": GAP / WIDE, "hspace": TITLE / tall}
    axes = drawing.subplots(count, len(columns), squeeze=False, gridspec_kw=edges | between)
    for across, column in enumerate(columns):
        for down, f in enumerate(column.filters):
            ax = axes[down, across]
            ax.imshow(_pictures(gan, column.seen, f, top, ctx), interpolation="nearest")
            ax.set_axis_off()
            label = f"filter {f}"
            if column.found is not None:
                target = legible(wanted.names)[int(column.found.target[f])][:24]
                label += f": {target}, {column.found.areas.values[f]:.2f}"
            ax.set_title(label, loc="left", fontsize=7.5, pad=2)
        heading = "trained" if across == 0 else "random weights"
        axes[0, across].set_title(heading, loc="right", fontsize=9, fontweight="bold", pad=2)
    if fields(one.net, one.layer) is None:
        notes.append("The geometry of a class of your own is not known to gan-probe: whole images are shown.")
    naming = " Above each filter: the target that it tells best, and its AUC (0.5: none)." if wanted.names else ""
    return Figure(
        "filters",
        drawing,
        title=f"What excites filters of {one.layer.name}, by guided backpropagation",
        caption=f"Of {len(one.images):,} images of {data}, the {top} that excite each filter most, the strongest "
        "first. Upper rows: the guided gradient of the filter's highest activation (grey: none; each picture scaled by "
        "its own largest value). Lower rows: what the filter sees there, its exact receptive field; pale beyond it and "
        f"beyond the image.{naming} Control, on the right: the same network with random weights, each of its filters "
        f"with its own images.{unwritten(wanted.names)}",
        alt=f"For {count} filters of the trained network and {count} of its random twin, guided gradients above the "
        f"{top} image parts that excite each most.",
    )


def _pictures(gan: GAN, seen: Seen, f: int, top: int, ctx: Context) -> np.ndarray:
    which = seen.strongest(f, top)
    places = seen.peaks(gan, which, np.full(len(which), f), ctx)
    gradients = seen.guided(gan, which, f, places)  # (M, H, W, C)
    extent = np.abs(gradients).max(axis=(1, 2, 3), keepdims=True)
    scaled = GREY + 127 * gradients / np.where(extent > 0, extent, 1)
    guided = np.rint(scaled).astype(np.uint8)
    images = seen.images[which]
    known = fields(seen.net, seen.layer)
    if known is not None:
        at = [(known[r], known[c]) for r, c in places]
        guided = np.stack([crop(g, r, c, BLANK) for g, (r, c) in zip(guided, at, strict=True)])
        images = np.stack([crop(i, r, c, BLANK) for i, (r, c) in zip(images, at, strict=True)])
    return image_grid(np.concatenate([guided, images]), top)
