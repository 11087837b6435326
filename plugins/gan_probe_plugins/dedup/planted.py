"""What each method finds of copies whose originals are known, and what it takes for copies that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure, Table
from gan_probe.duplicates.planted import EDITS
from gan_probe.measures.intervals import wilson
from gan_probe.report.figures import COLUMN, FAINT, new_figure

if TYPE_CHECKING:
    from gan_probe import Context
    from gan_probe.report import Cell
    from gan_probe_plugins.dedup import DedupOptions
    from gan_probe_plugins.dedup.methods import Methods
    from gan_probe_plugins.dedup.world import World

PERCENT = {"recall": ".1%", "low": ".1%", "high": ".1%", "n": ",", "found": ",", "only others": ","}


def recall(world: World, methods: Methods, options: DedupOptions, ctx: Context) -> Table:
    """Copies of images drawn from the set, one kind at a time, looked for in the whole set."""
    drawn = _drawn(world, options, ctx)
    rows: list[dict[str, Cell]] = []
    for done, (edit, make) in enumerate(EDITS.items()):
        copies = make(world.train.images[drawn])
        for method in methods.every:
            query, image = method.matches(copies).T
            flagged = np.zeros(len(drawn), np.bool_)
            right = flagged.copy()
            flagged[query] = True
            right[query[image == drawn[query]]] = True
            found = int(right.sum())
            low, high = wilson(found, len(drawn))
            rows.append(
                {
                    "copy": edit,
                    "method": method.name,
                    "n": len(drawn),
                    "found": found,
                    "recall": found / len(drawn),
                    "low": low,
                    "high": high,
                    "only others": int((flagged & ~right).sum()),
                }
            )
        ctx.progress(done + 1, len(EDITS), "planting copies")
    return Table(
        "recall",
        rows,
        title="Planted copies found",
        caption=f"Copies of {len(drawn):,} random images of the set, made at 32x32 pixels, each kind looked for among "
        f"all {len(world.train.images):,} images. Found: matched with its original. Only others: matched with other "
        "images, not with its original. Intervals: 95 %, Wilson, over images drawn. Control: the next table.",
        formats=PERCENT,
    )


def false_alarms(world: World, methods: Methods, options: DedupOptions, ctx: Context) -> tuple[Table, np.ndarray]:
    """The same images turned upside down: as like in contrast and frequencies as a copy, and copies of nothing.

    Beside the table, each one's best agreement (M,) with an image of the set.
    """
    drawn = _drawn(world, options, ctx)
    turned = np.ascontiguousarray(world.train.images[drawn][:, ::-1, ::-1])
    rows: list[dict[str, Cell]] = []
    for method in methods.every:
        alarms = len(np.unique(method.matches(turned)[:, 0]))
        low, high = wilson(alarms, len(drawn))
        rows.append(
            {
                "method": method.name,
                "n": len(drawn),
                "flagged": alarms,
                "share": alarms / len(drawn),
                "low": low,
                "high": high,
            }
        )
    table = Table(
        "false-alarms",
        rows,
        title="Control: images turned by 180 degrees",
        caption=f"The same {len(drawn):,} images turned by 180 degrees have the Fourier magnitudes of copies and are "
        "none, save symmetric pictures: the share that is flagged all the same. It is not the share of wrong ones "
        "among those left out: where copies are rare, few such alarms may outnumber them. Intervals: 95 %, Wilson.",
        formats={"share": ".2%", "low": ".2%", "high": ".2%", "n": ",", "flagged": ","},
    )
    return table, methods.search.closest(turned)


def recall_chart(table: Table) -> Figure:
    """Recall by kind of copy, a marker for each method."""
    edits = list(dict.fromkeys(str(row["copy"]) for row in table.rows))
    names = list(dict.fromkeys(str(row["method"]) for row in table.rows))
    figure = new_figure(COLUMN, 0.8 + 0.4 * len(edits))
    axes = figure.subplots()
    for i, name in enumerate(names):
        rows = [row for row in table.rows if row["method"] == name]
        value, low, high = (np.array([row[key] for row in rows], dtype=float) for key in ("recall", "low", "high"))
        y = np.arange(len(edits)) + 0.18 * (i - (len(names) - 1) / 2)
        bars = [value - low, high - value]
        axes.errorbar(value, y, xerr=bars, fmt="os^D"[i % 4], markersize=3.5, linestyle="none", capsize=2, label=name)
    axes.set_yticks(range(len(edits)), edits)
    axes.set_ylim(len(edits) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel("copies matched with their originals")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.hlines(np.arange(len(edits) - 1) + 0.5, -0.03, 1.03, color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return Figure(
        "recall",
        figure,
        title="Planted copies found",
        caption=f"{table.rows[0]['n']:,} copies of each kind; 95 % Wilson intervals; the control is the table of false "
        "alarms.",
        alt="For each kind of copy, the share that each method matches with its original.",
    )


def _drawn(world: World, options: DedupOptions, ctx: Context) -> np.ndarray:
    n = len(world.train.images)
    return np.sort(ctx.rng("dedup/planted").permutation(n)[: options.planted])
