"""The comparison as reports: an overview first, then one for each analysis with a table and a chart a measure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gan_probe.analysis import Context
from gan_probe.comparison.charts import chart
from gan_probe.comparison.pictures import side_by_side
from gan_probe.comparison.rows import LEVEL, compared, in_time
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
        merged = [] if own else _merged(contenders, name)
        notes = [] if own else ["This analysis gives no measures to compare: its tables stand beside each other."]
        notes += [f"{c.name} {c.outcome(name)}" for c in contenders if not c.error and c.outcome(name) != "ok"]
        reports.append(
            Report(
                name=name,
                title=title,
                tables=[*(_table(one, contenders, count) for one in own), *merged],
                figures=[*(chart(one, _intervals(one)) for one in own), *side_by_side(contenders, name)],
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
        rows.append(
            row
            | {
                "analyses": said or ("ok" if len(wrong) == 1 else f"all {len(wrong)} ok"),
                "its own report": contender.folder or None,
            }
        )
    against = "the one before it in the training" if in_time(contenders) else contenders[0].name
    differing = [(one, row) for one in found for row in one.rows if row.verdict not in (None, "no")]
    notes = [f"{c.name} failed: {c.error}" for c in contenders if c.error]
    if count:
        notes.append(
            f"{len(differing)} of {count} differences are significant at {LEVEL:.0%} after Holm's correction over all "
            f"{count}: the chance of a single false alarm among them is at most that."
        )
    notes += [_sentence(one, row) for one, row in differing[:SAID]]
    if len(differing) > SAID:
        notes.append(f"{len(differing) - SAID} more are in the tables below.")
    return Report(
        name=OVERVIEW,
        title="Comparison",
        tables=[
            Table(
                "checkpoints",
                rows,
                title="What is compared",
                caption=f"The same analyses with the same seed, images and options. Each is held against {against}.",
                formats={"number": "g"} if in_time(contenders) else {},
            )
        ],
        notes=notes,
    )


def _sentence(one: Compared, row: Row) -> str:
    assert row.difference is not None  # noqa: S101  # only of those
    assert row.p is not None  # noqa: S101
    found, spec = row.difference, _signed(one.measure.format)
    odds = next((f"p < {odd:g}" for odd in ODDS if row.p < odd), f"p = {row.p:.2g}")
    return (
        f"{one.analysis}, {one.measure.title or one.measure.name}: {row.contender.name} {row.verdict} than "
        f"{row.against} by {format(found.value, spec)} ({format(found.low, spec)} to {format(found.high, spec)}; "
        f"{odds} behind the correction)."
    ).replace("differs than", "differs from")


def _table(one: Compared, contenders: Sequence[Contender], count: int) -> Table:
    spec = one.measure.format
    values, differences = ("value", "low", "high"), ("difference", "from", "to")
    rows: list[dict[str, Cell]] = []
    for row in one.rows:
        found, held = row.estimate, row.difference
        cells: dict[str, Cell] = {"checkpoint": row.contender.name}
        cells |= _cells(values, (found.value, found.low, found.high) if found else None)
        cells |= _cells(differences, (held.value, held.low, held.high) if held else None)
        cells |= {"p": held.p if held else None, "Holm p": row.p, "marked": row.verdict}
        rows.append(cells | {"against": row.against or None, "n": len(row.measure.values) if row.measure else None})
    against = "the checkpoint before it" if in_time(contenders) else "the first checkpoint"
    return Table(
        one.measure.name,
        rows,
        title=one.measure.title or one.measure.name,
        caption=f"{_intervals(one)} Differences are from {against}: {_methods(one)}. Holm p: corrected over all "
        f"{count} differences of this comparison; marked where it is {LEVEL:.0%} or less.",
        formats=dict.fromkeys(values, spec)
        | dict.fromkeys(differences, _signed(spec))
        | {"n": ",", "p": ".2g", "Holm p": ".2g"},
    )


def _intervals(one: Compared) -> str:
    """Of what the numbers are, and by what their intervals."""
    measure = one.measure
    methods = dict.fromkeys(row.estimate.method for row in one.rows if row.estimate is not None)
    sizes = sorted({len(row.measure.values) for row in one.rows if row.measure is not None})
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    kind = "Error from" if measure.estimate is not None else "Mean of"
    wanted = f" {measure.better.capitalize()} is better." if measure.better else ""
    return f"{kind} {n} values, one a {measure.unit or 'unit'}.{wanted} Intervals: 95 %, {' and '.join(methods)}."


def _methods(one: Compared) -> str:
    """How the differences were taken, those of the same units first."""
    said = dict.fromkeys(
        ("paired, value by value" if d.paired else "unpaired, as their units differ", d.interval, d.test)
        for row in one.rows
        if (d := row.difference) is not None
    )
    if not said:
        return "there is none to be had"
    return "; ".join(f"{how} (95 %, {interval}; p: {test})" for how, interval, test in sorted(said))


def _merged(contenders: Sequence[Contender], analysis: str) -> list[Table]:
    """Tables of the same name and columns, row below row, with the checkpoint in front."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[str, Table]]] = {}
    for contender in contenders:
        report = contender.reports.get(analysis)
        for table in report.tables if report else ():
            if table.rows and "checkpoint" not in table.columns:
                found.setdefault((table.name, table.columns), []).append((contender.name, table))
    merged: dict[str, Table] = {}
    for (name, _), tables in found.items():
        first = tables[0][1]
        rows = [{"checkpoint": who, **row} for who, table in tables for row in table.rows]
        numbered = name if name not in merged else f"{name}-{len(merged) + 1}"
        merged[numbered] = Table(numbered, rows, first.title, first.caption, first.formats)
    return list(merged.values())


def _cells(columns: Sequence[str], values: Sequence[float] | None) -> dict[str, Cell]:
    shown = [None] * len(columns) if values is None else [v if math.isfinite(v) else None for v in values]
    return dict(zip(columns, shown, strict=True))


def _signed(spec: str) -> str:
    return spec if spec.startswith("+") else f"+{spec}"


def headline(contenders: Sequence[Contender]) -> str:
    """What heads the page: the checkpoints' names, or how many there are."""
    names = [contender.name for contender in contenders]
    return one_line(" and ".join(names) if len(names) == 2 else f"{len(names)} checkpoints, {names[0]} to {names[-1]}")
