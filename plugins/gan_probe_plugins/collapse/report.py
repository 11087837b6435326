"""The tables of a report on collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe import Measure, Report, Table
from gan_probe.measures.bins import by_bins
from gan_probe.measures.intervals import proportion
from gan_probe_plugins.collapse.paragraph import paragraph
from gan_probe_plugins.collapse.pictures import bins_figure, classes_figure, measures_figure, pairs_figure
from gan_probe_plugins.collapse.verdict import NOT_JUDGED, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.measures.bins import Comparison
    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Cell
    from gan_probe_plugins.collapse.classes import Classes
    from gan_probe_plugins.collapse.measured import Measured, Side
    from gan_probe_plugins.collapse.sets import Sets
    from gan_probe_plugins.collapse.verdict import Verdict

NUMBERS = dict.fromkeys(("samples", "low", "high", "real images", "real low", "real high"), ".3f")
BESIDE = "Real images: held-out ones in the samples' place."


def report(sets: Sets, found: Measured, classes: Classes | None, notes: Sequence[str], units: str) -> Report:
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
    return Report(
        findings=[_finding(verdict, found, sets)],
        tables=tables,
        figures=figures,
        measures=_behind(sets, found, units),
        methods=paragraph(sets, found, classes),
        notes=[*sets.notes, *notes],
    )


def _finding(verdict: Verdict, found: Measured, sets: Sets) -> str:
    """The verdict with the evidence that was judged, in the table's own numbers."""
    words = verdict.words[0].upper() + verdict.words[1:]
    said = [
        f"{row['sign']} {row['samples']} against {row['real images']}"
        for row in verdict.evidence
        if row["wrong"] != NOT_JUDGED
    ]
    return (
        f"{words}. Samples against held-out real images: {'; '.join(said)}. Support by the birthday paradox, of "
        f"{found.samples.support.n:,} samples; the rest of {sets.n:,} of either, in {sets.space.name}. Intervals: 95 %."
    )


def _behind(sets: Sets, found: Measured, units: str) -> list[Measure]:
    """What is compared between checkpoints; samples of which latents they are is in `units`.

    Without recall: its error cannot be told from single images, nor from bins of them, as samples make its balls.
    """
    mine = found.samples.measures
    of = f"{units}; {sets.n:,} real images {sets.real_images.fingerprint[:12]}"
    values = {
        "precision": (mine.balls > 0, "sample"),
        "density": (mine.balls / mine.k, "sample"),
        "coverage": (by_bins(mine.covered, found.real_bins), f"bin of {sets.n:,} real images"),
    }
    return [
        # density and coverage by bins may all be 0, and are no shares for that
        Measure(
            name,
            each,
            f"{name.capitalize()} in {sets.where}",
            unit,
            of,
            better="higher",
            format=".3f",
            share=name == "precision",
        )
        for name, (each, unit) in values.items()
    ]


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

    return Table(
        "measures",
        _beside(*map(values, both.values())),
        title="Fidelity and variety",
        caption=f"{sets.sizes}; {both['samples'].measures.k} neighbours. Precision: samples among real images; recall: "
        "real images among samples; density and coverage likewise, of real images' neighbourhoods alone. Duplicates: "
        "samples with another as near as only 1 % of real images have. Vendi score: effective number of different "
        f"images, by cosines. {BESIDE} Intervals: 95 %.",
        formats=NUMBERS,
    )


def _bins(both: dict[str, Comparison], sets: Sets) -> Table:
    def values(found: Comparison) -> dict[str, Estimate]:
        return {"NDB / K": found.different, "total variation": found.distance, "real images in lost bins": found.lost}

    mine = both["samples"]
    k = len(mine.p)
    differ = ", ".join(f"{round(found.different.value * k)} for {who}" for who, found in both.items())
    corrected = ", ".join(f"{found.corrected} for {who}" for who, found in both.items())
    return Table(
        "bins",
        _beside(*map(values, both.values())),
        title="Statistically different bins",
        caption=f"{sets.sizes}, in K = {k} bins: clusters of the latter (k-means). NDB: bins whose shares differ by a "
        f"two-proportion z test at 5 %: {differ}; {mine.expected:.1f} would by chance. With Bonferroni's correction: "
        f"{corrected}. Total variation is above 0 by chance too. Lost: bins that differ (corrected) and have less than "
        f"a quarter of their real share. {BESIDE} Intervals: 95 %; of NDB / K over bins, else over images.",
        formats=NUMBERS,
    )


def _beside(mine: dict[str, Estimate], real: dict[str, Estimate]) -> list[dict[str, Cell]]:
    """A row for each measure: of samples, and of real images in their place."""
    return [
        {
            "measure": name,
            "samples": found.value,
            "low": found.low,
            "high": found.high,
            "real images": real[name].value,
            "real low": real[name].low,
            "real high": real[name].high,
            "interval": found.method,
        }
        for name, found in mine.items()
    ]


def _classes(classes: Classes, sets: Sets) -> Table:
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
        formats=dict.fromkeys(NUMBERS, ".1%") | {"p": ".2g"},
    )
