"""A measure over the checkpoints as a table, and the tables of an analysis that has no measures, merged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gan_probe.comparison.rows import LEVEL, in_time
from gan_probe.report import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.comparison.contenders import Contender
    from gan_probe.comparison.rows import Compared
    from gan_probe.report import Cell


def table(one: Compared, contenders: Sequence[Contender], count: int) -> Table:
    """A row for each checkpoint: its number, its difference, and what is marked, or why there is nothing to mark."""
    values, differences = ("value", "low", "high"), ("difference", "from", "to")
    against = _against(one, in_time(contenders))
    sizes = _sizes(one)
    rows: list[dict[str, Cell]] = []
    for row in one.rows:
        found, held = row.estimate, row.difference
        cells: dict[str, Cell] = {"checkpoint": row.contender.name}
        cells |= _cells(values, (found.value, found.low, found.high) if found else None)
        cells |= _cells(differences, (held.value, held.low, held.high) if held else None)
        cells["p (Holm)"] = row.p
        # a column takes room: what is the same in all rows stands in the caption
        if against is None:
            cells["against"] = row.against if held else None
        if len(sizes) > 1:
            cells["n"] = len(row.measure.values) if row.measure else None
        rows.append(cells | {"marked": row.verdict or row.against or None})
    return Table(
        one.measure.name,
        rows,
        title=one.measure.title or one.measure.name,
        caption=f"{intervals(one)} {_held(one, against, count)}",
        formats=dict.fromkeys(values, one.format)
        | dict.fromkeys(differences, one.signed)
        | {"p (Holm)": ".2g"}
        | ({"n": ","} if len(sizes) > 1 else {}),
    )


def intervals(one: Compared) -> str:
    """Of what the numbers are, and by what their intervals."""
    measure = one.measure
    methods = dict.fromkeys(row.estimate.method for row in one.rows if row.estimate is not None)
    sizes = _sizes(one)
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    kind = "Its error is that of" if measure.estimate is not None else "The mean of"
    wanted = f" {measure.better.capitalize()} is better." if measure.better else ""
    values = "replicates" if measure.estimate is not None else f"values, one for each {measure.unit or 'unit'}"
    return f"{kind} {n} {values}.{wanted} Intervals: 95 %, {' and '.join(methods)}."


def _against(one: Compared, before: bool) -> str | None:
    """What the differences are from, if it can be said in a few words for all rows."""
    names = [row.contender.name for row in one.rows]
    held = [(i, row.against) for i, row in enumerate(one.rows) if row.difference]
    if before:
        return "the checkpoint before it" if all(names[i - 1] == against for i, against in held) else None
    return held[0][1] if held else "the first checkpoint"


def _held(one: Compared, against: str | None, count: int) -> str:
    """How the differences were taken, those of the same units first, and what is marked."""
    said = dict.fromkeys(
        ("paired, value by value" if d.paired else "unpaired, as their units differ", d.interval, d.test)
        for row in one.rows
        if (d := row.difference) is not None
    )
    if not said:
        return "There is no difference to be had."
    taken = "; ".join(f"{how} (95 %, {interval}; p: {test})" for how, interval, test in sorted(said))
    over = "of the only difference" if count == 1 else f"corrected over all {count} differences"
    return (
        f"Differences{f' from {against}' if against else ''}: {taken}. p (Holm): {over} of this comparison; marked "
        f"where it is at most {LEVEL:g}."
    )


def _sizes(one: Compared) -> list[int]:
    """How many values are behind the numbers: one length, or all there are."""
    return sorted({len(row.measure.values) for row in one.rows if row.measure is not None})


def merged(contenders: Sequence[Contender], analysis: str) -> list[Table]:
    """Tables of the same name and columns, row below row, with the checkpoint in front."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[str, Table]]] = {}
    for contender in contenders:
        report = contender.reports.get(analysis)
        for part in report.tables if report else ():
            if part.rows and "checkpoint" not in part.columns:
                found.setdefault((part.name, part.columns), []).append((contender.name, part))
    whole: dict[str, Table] = {}
    for (name, _), tables in found.items():
        first = tables[0][1]
        rows = [{"checkpoint": who, **row} for who, part in tables for row in part.rows]
        numbered = name if name not in whole else f"{name}-{len(whole) + 1}"
        whole[numbered] = Table(numbered, rows, first.title, first.caption, first.formats)
    return list(whole.values())


def _cells(columns: Sequence[str], values: Sequence[float] | None) -> dict[str, Cell]:
    shown = [None] * len(columns) if values is None else [v if math.isfinite(v) else None for v in values]
    return dict(zip(columns, shown, strict=True))
