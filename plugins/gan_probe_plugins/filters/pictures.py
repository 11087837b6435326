"""The paper's Figure 5: what excites single filters most, and why, trained beside random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan_probe import Figure
from gan_probe.report.figures import image_grid, new_figure
from gan_probe_plugins.filters.fields import crop, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets

GREY = 128  # no gradient
BLANK = 225  # no pixel


class Row(NamedTuple):
    """A filter of one of the networks."""

    seen: Seen
    filter: int


def figure(
    gan: GAN,
    rows: Sequence[Sequence[Row]],
    found: Sequence[Selectivity],
    wanted: Targets,
    top: int,
    data: str,
    ctx: Context,
    notes: list[str],
) -> Figure:
    """Guided gradients above crops, a column of filters for each network."""
    count = len(rows[0])
    one = rows[0][0].seen
    drawing = new_figure(6.4, 0.35 + count * (0.24 + 6.1 / top))
    axes = drawing.subplots(count, len(rows), squeeze=False)
    for column, own in enumerate(rows):
        for line, row in enumerate(own):
            ax = axes[line, column]
            ax.imshow(_pictures(gan, row, top, ctx), interpolation="nearest")
            ax.set_axis_off()
            label = f"filter {row.filter}"
            if found:
                target = wanted.names[int(found[column].target[row.filter])]
                label += f": {target[:24]}, {found[column].areas.values[row.filter]:.2f}"
            ax.set_title(label, loc="left", fontsize=7.5, pad=2)
        axes[0, column].set_title(own[0].seen.name, loc="right", fontsize=9, fontweight="bold", pad=2)
    if fields(one.net, one.layer) is None:
        notes.append("The geometry of a class of your own is not known to gan-probe: whole images are shown.")
    naming = " Above each filter the target that it tells best and its AUC (0.5: none)." if found else ""
    return Figure(
        "filters",
        drawing,
        title=f"What excites filters of {one.layer.name}, by guided backpropagation",
        caption=f"Of {len(one.images):,} images of {data}, the {top} that excite each filter most, the strongest first: "
        "above, the guided gradient of the filter's highest activation (grey: none; each picture scaled by its own "
        "largest value); below, what the filter sees there, its exact receptive field; pale beyond it and beyond the "
        f"image.{naming} Control, on the right: the same network with random weights, each filter with its own images.",
        alt=f"For {count} filters of the trained network and {count} of its random twin, guided gradients above the {top} "
        "image parts that excite each most.",
    )


def _pictures(gan: GAN, row: Row, top: int, ctx: Context) -> np.ndarray:
    seen, f = row
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
