"""Selectivity in numbers: the two networks against each other, the filters pictured, and all filters as CSV."""

from __future__ import annotations

import csv as csv_format
import io
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure, Table
from gan_probe.measures.roc import mean_area, mean_difference
from gan_probe.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Context
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe.report import Cell
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets

LEVEL = 0.05
SHUFFLED = "trained, labels shuffled"
METHOD = (
    "Each filter's target is the one that its highest activation tells best on a random half of the images; its AUC is "
    "measured on the other half, so that no luck of the choice is in it."
)


def summary(
    seen: Sequence[Seen], found: Sequence[Selectivity], shuffled: Selectivity, data: str, ctx: Context
) -> list[Table]:
    """Mean selectivity of each network and of the control, and their difference."""
    trained, random = found
    rows: list[dict[str, Cell]] = []
    n = len(trained.areas.influence)
    for name, one in (*zip((one.name for one in seen), found, strict=True), (SHUFFLED, shuffled)):
        mean = mean_area(one.areas, ctx.rng(f"filters/bootstrap/{name}"))
        rows.append(
            {
                "network": name,
                "mean AUC": mean.value,
                "low": mean.low,
                "high": mean.high,
                "significant": int((one.adjusted < LEVEL).sum()),
                "filters": len(one.adjusted),
                "n_images": n,
            }
        )
    over_images, over_both = mean_difference(trained.areas, random.areas, ctx.rng("filters/bootstrap"))
    differences: list[dict[str, Cell]] = [
        {
            "comparison": "trained minus random weights",
            "others": others,
            "difference": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "filters": len(trained.adjusted),
            "n_images": n,
        }
        for others, estimate in (("images", over_images), ("images and filters", over_both))
    ]
    auc = dict.fromkeys(("mean AUC", "low", "high"), ".3f") | {"n_images": ","}
    return [
        Table(
            "selectivity",
            rows,
            title=f"How selective the filters of {seen[0].layer.name} are",
            caption=f"{METHOD} Means over all filters; images of {data}. Intervals: 95 %, {over_both.method} over images "
            f"and filters. Significant: AUC above 0.5 at {LEVEL:.0%}, one-sided Mann-Whitney tests, Holm's correction "
            "over all filters. The shuffled control's true mean is 0.5.",
            formats=auc,
        ),
        Table(
            "difference",
            differences,
            title="Trained against random weights",
            caption=f"Difference of the mean AUCs on the same images; one draw of random weights. Intervals: 95 %, "
            f"{over_both.method}, over other images with these filters, and over other images and other filters.",
            formats=dict.fromkeys(("difference", "low", "high"), "+.3f") | {"n_images": ","},
        ),
    ]


def shown(
    seen: Sequence[Seen], found: Sequence[Selectivity], filters: Sequence[np.ndarray], wanted: Targets, top: int
) -> Table:
    """The filters in the figure: what excites each, how surely, and how often among the images pictured."""
    rows: list[dict[str, Cell]] = []
    for one, selective, numbers in zip(seen, found, filters, strict=True):
        for f in numbers:
            target = int(selective.target[f])
            area = selective.areas.interval(int(f))
            rows.append(
                {
                    "network": one.name,
                    "filter": int(f),
                    "excited by": wanted.names[target],
                    "AUC": area.value,
                    "low": area.low,
                    "high": area.high,
                    "p": float(selective.adjusted[f]),
                    "share of top": float(wanted.table[one.strongest(int(f), top), target].mean()),
                    "share of all": float(wanted.table[:, target].mean()),
                }
            )
    n = len(found[0].areas.influence)
    return Table(
        "filters",
        rows,
        title="The filters pictured",
        caption=f"{METHOD} Intervals: 95 %, {found[0].areas.interval(0).method}, over {n:,} images; p: one-sided "
        f"Mann-Whitney test of AUC above 0.5, Holm's correction over all {len(found[0].adjusted)} filters. Shares: of "
        f"images with the target, among the {top} pictured and among all.",
        formats=dict.fromkeys(("AUC", "low", "high"), ".3f")
        | {"p": ".1g", "share of top": ".0%", "share of all": ".0%"},
    )


def chart(seen: Sequence[Seen], found: Sequence[Selectivity], shuffled: Selectivity, wanted: Targets) -> Figure:
    """All filters' areas, sorted, of both networks and the control."""
    drawing = new_figure(5.6, 3.4)
    axes = drawing.subplots()
    axes.axhline(0.5, color="#9a9a9a", linewidth=0.7)
    lines = (*zip((one.name for one in seen), found, strict=True), (SHUFFLED, shuffled))
    for name, one in lines:
        ordered = np.sort(one.areas.values)[::-1]
        axes.plot(np.linspace(0, 1, len(ordered)), ordered, label=name)
    axes.set_xlabel("share of the layer's filters, the most selective first")
    axes.set_ylabel("AUC of the filter's own target")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.margins(x=0.01)
    axes.legend()
    n, filters = found[0].areas.influence.shape
    medians = [float(np.median(one.areas.values)) for one in found]
    return Figure(
        "selectivity",
        drawing,
        title=f"Selectivity of all {filters} filters of {seen[0].layer.name}",
        caption=f"{METHOD} {n:,} images, {len(wanted.names)} targets: {', '.join(wanted.names[:12])}"
        f"{', ...' if len(wanted.names) > 12 else ''}. Controls: the same network with random weights, and the trained one "
        "with the images' targets shuffled. A filter's AUC has a 95 % interval (DeLong) of at most "
        f"{_widest(found):.3f} to either side.",
        alt=f"Sorted areas under the ROC curve: the median filter reaches {medians[0]:.2f} in the trained network and "
        f"{medians[1]:.2f} with random weights.",
    )


def _widest(found: Sequence[Selectivity]) -> float:
    intervals = [one.areas.interval(f) for one in found for f in range(len(one.adjusted))]
    return max(max(i.high - i.value, i.value - i.low) for i in intervals)


def csv(seen: Sequence[Seen], found: Sequence[Selectivity], wanted: Targets) -> bytes:
    """Every filter of both networks: its target, its area with the interval, and the corrected p-value."""
    text = io.StringIO()
    writer = csv_format.writer(text, lineterminator="\n")
    writer.writerow(["network", "filter", "excited by", "AUC", "low", "high", "p (Holm)"])
    for one, selective in zip(seen, found, strict=True):
        for f, target in enumerate(selective.target):
            area = selective.areas.interval(f)
            numbers = [area.value, area.low, area.high, float(selective.adjusted[f])]
            writer.writerow([one.name, f, wanted.names[target], *numbers])
    return text.getvalue().encode()
