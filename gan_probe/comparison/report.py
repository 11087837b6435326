"""The comparison as reports: an overview first, then one for each analysis with a table and a chart a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.analysis import Context
from gan_probe.comparison.charts import chart
from gan_probe.comparison.methods import listed, of_analysis, paragraph, references
from gan_probe.comparison.pictures import side_by_side
from gan_probe.comparison.rows import LEVEL, compared, in_time
from gan_probe.comparison.tables import intervals, merged, table
from gan_probe.errors import one_line
from gan_probe.report import Report, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe.comparison.contenders import Contender
    from gan_probe.comparison.rows import Compared, Row
    from gan_probe.report import Cell

OVERVIEW = "comparison"
ODDS = (0.001, 0.01)  # p-values below which a sentence says so
SAID = 12  # significant differences that are put into words


def comparison(contenders: Sequence[Contender], analyses: Mapping[str, str], seed: int = 0) -> list[Report]:
    """The overview and a report for each of the analyses, whose titles stand by their names."""
    found = compared(contenders, list(analyses), Context(seed).rng)
    count = sum(row.difference is not None for one in found for row in one.rows)
    reports = [_overview(contenders, analyses, found, count)]
    for name, title in analyses.items():
        own = [one for one in found if one.analysis == name]
        beside = [] if own else merged(contenders, name)
        ran = any(contender.outcome(name) == "ok" for contender in contenders)
        notes = [f"{name} gives no measures to compare: its tables stand beside each other."] if ran and not own else []
        notes += [f"{c.name} {c.outcome(name)}" for c in contenders if not c.error and c.outcome(name) != "ok"]
        methods, works = of_analysis(contenders, name)
        reports.append(
            Report(
                name=name,
                title=title,
                tables=[*(table(one, contenders, count) for one in own), *beside],
                figures=[*(chart(one, intervals(one)) for one in own), *side_by_side(contenders, name)],
                methods=methods,
                references=works,
                notes=notes,
            )
        )
    return reports


def _overview(
    contenders: Sequence[Contender], analyses: Mapping[str, str], found: Sequence[Compared], count: int
) -> Report:
    rows: list[dict[str, Cell]] = []
    for contender in contenders:
        card = contender.card
        row: dict[str, Cell] = {"checkpoint": contender.name}
        if in_time(contenders):
            row["number"] = contender.moment
        row["images"] = f"{card['image_size']}x{card['image_size']}x{card['channels']}" if card else None
        wrong = {name: contender.outcome(name).partition(":")[0] for name in analyses}
        said = ", ".join(f"{name} {status}" for name, status in wrong.items() if status != "ok")
        well = "ok" if len(wrong) == 1 else f"all {len(wrong)} ok"
        rows.append(row | {"analyses": said or well, "its own report": contender.folder or None})
    against = "the one before it in the training" if in_time(contenders) else contenders[0].name
    differing = [(one, row) for one in found for row in one.rows if row.verdict not in (None, "no")]
    notes = [f"{c.name} failed: {c.error}" for c in contenders if c.error]
    notes += _same(contenders)
    findings = [_count(len(differing), count)] if count else []
    findings += [_sentence(one, row, count > 1) for one, row in differing[:SAID]]
    if (more := len(differing) - SAID) > 0:
        findings.append(f"{more} more {'is' if more == 1 else 'are'} in the tables below.")
    return Report(
        name=OVERVIEW,
        title="Comparison",
        findings=findings,
        tables=[
            Table(
                "checkpoints",
                rows,
                title="What is compared",
                caption=f"The same analyses with the same seed, images and options. Each is held against {against}.",
                formats={"number": "g"} if in_time(contenders) else {},
            )
        ],
        methods=paragraph(contenders, found, count),
        references=references(),
        notes=notes,
    )


def _count(differing: int, count: int) -> str:
    """How many of the differences are significant, and what that guards against."""
    if count == 1:
        return f"The only difference is {'' if differing else 'not '}significant, at p of at most {LEVEL:g}."
    if not differing:
        return f"None of {count} differences is significant, at p of at most {LEVEL:g} after Holm's correction."
    return (
        f"{differing} of {count} differences {'is' if differing == 1 else 'are'} significant, at p of at most "
        f"{LEVEL:g} after Holm's correction over all {count}: the chance of a single false alarm among them is at most "
        "that."
    )


def _same(contenders: Sequence[Contender]) -> list[str]:
    """Which of them are one and the same checkpoint."""
    files: dict[str, list[str]] = {}
    for contender in contenders:
        if digest := contender.card.get("sha256"):
            files.setdefault(digest, []).append(contender.name)
    return [f"{listed(names)} are the same checkpoint." for names in files.values() if len(names) > 1]


def _sentence(one: Compared, row: Row, corrected: bool) -> str:
    assert row.difference is not None  # noqa: S101  # only of those
    assert row.p is not None  # noqa: S101
    found, spec = row.difference, one.signed
    odds = next((f"p < {odd:g}" for odd in ODDS if row.p < odd), f"p = {row.p:.2g}")
    n = "" if one.measure.estimate is not None else f"; n = {len(one.measure.values):,}"
    return (
        f"{one.analysis}, {one.measure.title or one.measure.name}: {row.contender.name} {row.verdict} than "
        f"{row.against} by {format(found.value, spec)} (95 %: {format(found.low, spec)} to {format(found.high, spec)}; "
        f"{odds}{' after the correction' if corrected else ''}{n})."
    ).replace("differs than", "differs from")


def headline(contenders: Sequence[Contender]) -> str:
    """What heads the page: the training that they are of, and the checkpoints' names, or how many there are."""
    names = [contender.name for contender in contenders]
    trainings = {contender.training for contender in contenders}
    of = f"Training {name}: " if len(trainings) == 1 and (name := trainings.pop()) else ""
    several = f"{len(names)} checkpoints, {names[0]} to {names[-1]}"
    return one_line(of + (listed(names) if len(names) < 3 or (len(names) < 4 and not in_time(contenders)) else several))
