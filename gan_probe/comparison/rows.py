"""Every number of every checkpoint, and its difference from the one that it is held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.comparison.difference import Difference, difference, estimate, is_share
from gan_probe.comparison.digits import fine_enough
from gan_probe.measures.holm import holm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gan_probe.comparison.contenders import Contender
    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Measure

LEVEL = 0.05


@dataclass(frozen=True)
class Row:
    """One checkpoint's number, `difference` from that of `against`, and `p` behind Holm's correction over all rows.

    Where there is no number, or none to hold it against, `against` says why.
    """

    contender: Contender
    measure: Measure | None
    estimate: Estimate | None
    against: str = ""
    difference: Difference | None = None
    p: float | None = None

    @property
    def verdict(self) -> str | None:
        """`better` or `worse` where the difference is significant, `differs` where neither is meant, else `no`."""
        if self.p is None or self.difference is None or self.measure is None:
            return None
        if self.p > LEVEL:
            return "no"
        if not self.measure.better:
            return "differs"
        return "better" if (self.difference.value > 0) == (self.measure.better == "higher") else "worse"


@dataclass(frozen=True)
class Compared:
    """One measure of one analysis over all checkpoints, in their order; `measure` is the first that there is."""

    analysis: str
    measure: Measure
    rows: tuple[Row, ...]

    @property
    def format(self) -> str:
        """The measure's format, with the decimals that the intervals need."""
        return fine_enough(self.measure.format, [(f.low, f.high) for row in self.rows if (f := row.estimate)])

    @property
    def signed(self) -> str:
        """The format of differences."""
        spec = f"+{self.measure.format.removeprefix('+')}"
        return fine_enough(spec, [(d.low, d.high) for row in self.rows if (d := row.difference)])


def in_time(contenders: Sequence[Contender]) -> bool:
    """Whether they are snapshots of one training: each is then held against the one before it, not the first."""
    return any(contender.moment is not None for contender in contenders)


def compared(
    contenders: Sequence[Contender], analyses: Sequence[str], rng: Callable[[str], np.random.Generator]
) -> list[Compared]:
    """All measures of these analyses; Holm's correction is over all their differences."""
    found = []
    for analysis in analyses:
        reports = [contender.reports.get(analysis) for contender in contenders]
        names = dict.fromkeys(measure.name for report in reports if report for measure in report.measures)
        for name in names:
            measures = [next((m for m in (r.measures if r else ()) if m.name == name), None) for r in reports]
            found.append(_compared(analysis, contenders, measures, rng))
    return _corrected(found)


def _compared(
    analysis: str,
    contenders: Sequence[Contender],
    measures: Sequence[Measure | None],
    rng: Callable[[str], np.random.Generator],
) -> Compared:
    first = next(measure for measure in measures if measure is not None)
    shares = all(is_share(measure) for measure in measures if measure is not None)
    rows: list[Row] = []
    held: Row | None = None  # what the next one is held against
    for contender, measure in zip(contenders, measures, strict=True):
        if measure is None:
            status = contender.outcome(analysis).partition(":")[0]
            rows.append(Row(contender, None, None, "not measured" if status == "ok" else status))
            continue
        draws = rng(f"comparison/{analysis}/{measure.name}")  # the same for each: a checkpoint against itself is 0
        row = Row(contender, measure, estimate(measure, draws, shares))
        if held is not None and held.measure is not None:
            if _alike(held.measure, measure):
                row = replace(
                    row, against=held.contender.name, difference=difference(held.measure, measure, draws, shares)
                )
            else:
                row = replace(row, against=f"not comparable: {measure.title or measure.name}")
        rows.append(row)
        if held is None or in_time(contenders):
            held = row
    return Compared(analysis, first, tuple(rows))


def _alike(first: Measure, second: Measure) -> bool:
    """Whether two measures of one name are of the same thing."""
    kinds = [(m.title, m.unit, m.better, m.estimate is None) for m in (first, second)]
    return kinds[0] == kinds[1]


def _corrected(found: Sequence[Compared]) -> list[Compared]:
    p = [row.difference.p for one in found for row in one.rows if row.difference is not None]
    adjusted = iter(holm(np.array(p)).tolist())
    return [
        replace(one, rows=tuple(row if row.difference is None else replace(row, p=next(adjusted)) for row in one.rows))
        for one in found
    ]
