"""Selectivity in numbers: the networks against each other, the filters pictured, and all filters as CSV."""

from __future__ import annotations

import csv as csv_format
import io
from typing import TYPE_CHECKING

from gan_probe import Table
from gan_probe.measures.linearised import difference_of_means, difference_to_draws, mean_over, pooled
from gan_probe_plugins.filters.targets import TOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Context
    from gan_probe.gan import Layer
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe.report import Cell
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.pictures import Column
    from gan_probe_plugins.filters.targets import Targets

LEVEL = 0.05
SHUFFLED = "trained, labels shuffled"
METHOD = (
    "Each filter's target is the one that its highest activation tells best on a random half of the images; its AUC is "
    "measured on the other half."
)
GAIN = f"gain in top {TOP}"
DRAWN = "images, draws"


def summary(
    layer: Layer, found: Sequence[Selectivity], shuffled: Selectivity, data: str, ctx: Context
) -> tuple[Table, Table]:
    """Mean selectivity of the trained network and of the controls, and the difference to random weights."""
    trained, *random = found
    rows: list[dict[str, Cell]] = []
    for name, ones in (("trained", [trained]), ("random weights", random), (SHUFFLED, [shuffled])):
        mean = mean_over(pooled([one.areas for one in ones]), ctx.rng(f"filters/bootstrap/{name}"))
        rows.append(
            {
                "network": name,
                "draws": len(ones),
                "mean AUC": mean.value,
                "low": mean.low,
                "high": mean.high,
                "significant": sum(float((one.p < LEVEL).mean()) for one in ones) / len(ones),
                GAIN: sum(float(one.enrichment.values.mean()) for one in ones) / len(ones),
            }
        )
    differences: list[dict[str, Cell]] = []
    for measure, mine, theirs in (
        ("mean AUC", trained.areas, [one.areas for one in random]),
        (GAIN, trained.enrichment, [one.enrichment for one in random]),
    ):
        by_draws = difference_to_draws(mine, theirs)
        by_filters = difference_of_means(mine, pooled(theirs), ctx.rng(f"filters/bootstrap/{measure}"))
        for over, found_over in ((DRAWN, by_draws), ("images, filters", by_filters)):
            named: dict[str, Cell] = {"measure": measure, "interval over": over, "difference": by_draws.value}
            differences.append(named | {"low": found_over.low, "high": found_over.high})
    sizes = f"{layer.channels} filters, {len(trained.areas.influence):,} judging images of {data}"
    return (
        Table(
            "selectivity",
            rows,
            title=f"How selective the filters of {layer.name} are",
            caption=f"{METHOD} Means over {sizes}. Intervals: 95 %, {mean.method}, over images and filters. "
            f"Significant: share of filters whose AUC is above 0.5 at {LEVEL:.0%}, one-sided Mann-Whitney tests with "
            f"Holm's correction over a network's filters. Gain: the target's share among the {TOP} images that excite "
            "the filter most, less its share among all. The shuffled control's true values are 0.5 and 0.",
            formats=dict.fromkeys(("mean AUC", "low", "high"), ".3f") | {GAIN: "+.3f", "significant": ".0%"},
        ),
        Table(
            "difference",
            differences,
            title="Trained minus random weights",
            caption=f"Differences of the means above; {sizes}. Intervals, 95 %: over other images and other draws of "
            f"the random weights ({by_draws.method}, {len(random)} draws); and over other images and other filters of "
            f"both networks ({by_filters.method}), which takes the filters of one draw for independent.",
            formats=dict.fromkeys(("difference", "low", "high"), "+.3f"),
        ),
    )


def verdict(means: Table, differences: Table, of: str) -> str:
    """In a sentence, which way the comparison with random weights came out; `of` says of what filters and images."""
    trained, random, *_ = means.rows
    said = []
    for row in differences.rows:
        if row["interval over"] != DRAWN:
            continue
        low, high = float(row["low"] or 0), float(row["high"] or 0)
        word = "more selective" if low > 0 else "less selective" if high < 0 else "not told apart"
        measure = str(row["measure"])
        mine, theirs = (means.text(measure, one[measure]) for one in (trained, random))
        apart, least, most = (differences.text(column, row[column]) for column in ("difference", "low", "high"))
        said.append(f"by {measure} {word}, {mine} against {theirs} ({apart}; {least} to {most})")
    return (
        f"Trained filters against {random['draws']} draws of random ones: {'; '.join(said)}. {of}. "
        "Intervals: 95 %, over images and draws."
    )


def shown(columns: Sequence[Column], wanted: Targets) -> Table:
    """The filters in the figure: what excites each, how surely, and how often among its strongest images."""
    rows: list[dict[str, Cell]] = []
    for column in columns:
        assert column.found is not None  # noqa: S101  # asked by the caller
        selective = column.found
        for f in column.filters:
            target = int(selective.target[f])
            area = selective.areas.interval(f)
            rows.append(
                {
                    "network": column.seen.name,
                    "filter": f,
                    "excited by": wanted.names[target],
                    "AUC": area.value,
                    "low": area.low,
                    "high": area.high,
                    "p": float(selective.p[f]),
                    GAIN: float(selective.enrichment.values[f]),
                    "share of all": float(wanted.table[~wanted.choosing, target].mean()),
                }
            )
    n, filters = (~wanted.choosing).sum(), columns[0].seen.layer.channels
    return Table(
        "filters",
        rows,
        title="The filters pictured",
        caption=f"{METHOD} Intervals: 95 %, DeLong, over {n:,} images; p: one-sided Mann-Whitney test of AUC above "
        f"0.5, Holm's correction over all {filters} filters. Gain: the target's share "
        f"among the {TOP} images of that half that excite the filter most, less its share of all.",
        formats=dict.fromkeys(("AUC", "low", "high"), ".3f") | {"p": ".1g", GAIN: "+.0%", "share of all": ".0%"},
    )


def csv(seen: Sequence[Seen], found: Sequence[Selectivity], wanted: Targets) -> bytes:
    """Every filter of every network: its target, its area with the interval, and the corrected p-value."""
    text = io.StringIO()
    writer = csv_format.writer(text, lineterminator="\n")
    writer.writerow(["network", "filter", "excited by", "AUC", "low", "high", "p (Holm)", GAIN])
    for one, selective in zip(seen, found, strict=True):
        for f, target in enumerate(selective.target):
            area = selective.areas.interval(f)
            numbers = [area.value, area.low, area.high, float(selective.p[f]), float(selective.enrichment.values[f])]
            writer.writerow([one.name, f, wanted.names[target], *numbers])
    return text.getvalue().encode()
