"""The tables of a report on collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe import Report, Table
from gan_probe_plugins.collapse.pictures import bins_figure, classes_figure, measures_figure, pairs_figure
from gan_probe_plugins.collapse.verdict import judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.measures.bins import Comparison
    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Cell
    from gan_probe_plugins.collapse.classes import Classes
    from gan_probe_plugins.collapse.measured import Measured, Side
    from gan_probe_plugins.collapse.sets import Sets

BESIDE = "Real images: held-out ones in the samples' place."


def report(sets: Sets, found: Measured, classes: Classes | None, notes: Sequence[str]) -> Report:
    """The verdict first, then what it rests on."""
    both = {"samples": found.samples, "real images": found.held}
    sizes = f"{sets.sizes}. {BESIDE}"
    verdict = judged(found, classes)
    tables = [
        verdict.table(f"{sizes} Intervals: 95 %; the methods are in the tables below."),
        _supports(both, sets),
        _measures(both, sets),
        _bins({who: side.bins for who, side in both.items()}, sets),
    ]
    figures = [measures_figure(found, sets), bins_figure(found, sets), pairs_figure(found, sets)]
    if classes is not None:
        tables.append(_classes(classes, sets))
        figures.append(classes_figure(classes, sets))
    return Report(tables=tables, figures=figures, notes=[*sets.notes, *notes])


def _supports(both: dict[str, Side], sets: Sets) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "of": who,
            "n": side.support.n,
            "colliding pairs": side.support.pairs,
            "support": side.support.value,
            "low": side.support.low,
            "high": side.support.high,
        }
        for who, side in both.items()
    ]
    return Table(
        "support",
        rows,
        title="Support by the birthday paradox",
        caption="Support: how many equally likely images would collide as often; n (n - 1) / 2 pairs over those that "
        "collide. Two images are the same where they are as near as only 1 % of real images have their nearest other "
        f"among {sets.n:,}, in {sets.space.name}: real images collide by that too, and so show how far the test can "
        "see. Intervals: 95 %, Garwood's of the number of pairs, widened where single samples are in many; without a "
        "collision, a lower bound. n was doubled until 30 pairs collided, or there were no more.",
        formats={"n": ",", "colliding pairs": ",", "support": ",.0f", "low": ",.0f", "high": ",.0f"},
    )


def _measures(both: dict[str, Side], sets: Sets) -> Table:
    def values(side: Side) -> dict[str, Estimate]:
        found = side.measures
        return {
            "precision": found.precision,
            "recall": found.recall,
            "density": found.density,
            "coverage": found.coverage,
            "duplicates": found.duplicates,
            "Vendi score": side.vendi,
        }

    mine, real = (values(side) for side in both.values())
    rows: list[dict[str, Cell]] = [
        {
            "measure": name,
            "samples": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "real images": real[name].value,
            "real low": real[name].low,
            "real high": real[name].high,
            "interval": estimate.method,
        }
        for name, estimate in mine.items()
    ]
    return Table(
        "measures",
        rows,
        title="Fidelity and variety",
        caption=f"{sets.sizes}; {both['samples'].measures.k} neighbours. Precision: samples among real images; recall: "
        "real images among samples; density and coverage likewise, of real images' neighbourhoods alone. Duplicates: "
        "samples with another as near as only 1 % of real images have. Vendi score: effective number of different "
        f"images, by cosines. {BESIDE} Intervals: 95 %.",
        formats=dict.fromkeys(("samples", "low", "high", "real images", "real low", "real high"), ".3f"),
    )


def _bins(both: dict[str, Comparison], sets: Sets) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "of": who,
            "bins": len(found.p),
            "different": round(found.different.value * len(found.p)),
            "by chance": found.expected,
            "corrected": found.corrected,
            "NDB/K": found.different.value,
            "low": found.different.low,
            "high": found.different.high,
            "distance": found.distance.value,
            "distance low": found.distance.low,
            "distance high": found.distance.high,
            "in lost bins": found.lost.value,
        }
        for who, found in both.items()
    ]
    return Table(
        "bins",
        rows,
        title="Statistically different bins",
        caption=f"{sets.sizes}; bins are clusters of the latter (k-means). Different: two-proportion z test at 5 % in "
        "each bin, so that some differ by chance; corrected: Bonferroni's. Low, high: Wilson's 95 % interval of NDB/K, "
        "over bins. Distance: total variation, with the delta method's 95 % interval over images; above 0 by chance "
        f"too. Lost: bins that differ (corrected) and have less than a quarter of their real share. {BESIDE}",
        formats={"by chance": ".1f"}
        | dict.fromkeys(("NDB/K", "low", "high", "distance", "distance low", "distance high"), ".3f")
        | {"in lost bins": ".1%"},
    )


def _classes(classes: Classes, sets: Sets) -> Table:
    from gan_probe.measures.intervals import proportion

    mine = classes.samples
    rows: list[dict[str, Cell]] = []
    for k, name in enumerate(classes.judge.classes):
        real, fake = (proportion(int(counts[k]), int(counts.sum())) for counts in (mine.real, mine.fake))
        rows.append(
            {
                "class": name,
                "samples": fake.value,
                "low": fake.low,
                "high": fake.high,
                "real images": real.value,
                "real low": real.low,
                "real high": real.high,
                "p": float(mine.p[k]),
            }
        )
    far, chance = mine.distance, classes.held.distance
    return Table(
        "classes",
        rows,
        title="Classes, as a judge names them",
        caption=f"{sets.n:,} samples and as many held-out real images, named by one judge. Intervals: 95 %, Wilson; p: "
        f"two-proportion z test, uncorrected. Total variation: {far.value:.3f} ({far.low:.3f} to {far.high:.3f}, 95 %, "
        f"delta method); of two sets of real images {chance.value:.3f} ({chance.low:.3f} to {chance.high:.3f}).",
        formats=dict.fromkeys(("samples", "low", "high", "real images", "real low", "real high"), ".1%") | {"p": ".2g"},
    )
