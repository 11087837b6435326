"""What the tables come to, in a sentence for each rule of choosing maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe import Table
    from gan_probe.report import Cell


def verdicts(found: Sequence[Table], rules: Mapping[str, int], thing: str) -> list[str]:
    """Whether the object goes with its maps, and more than with as many random ones; and what else goes.

    `found` are the analysis' tables, `rules` the numbers of maps by rule. It holds where both intervals are above zero,
    and fails where random maps take more.
    """
    of = {table.name: table.rows for table in found}
    shares = {row["dropped"]: row for row in of["forgotten"]}
    against = {row["dropped"]: row for row in of["against-random"]}
    n = of["against-random"][0]["n"]
    if shares["none"]["fewer"] is None and all(shares[rule]["fewer"] is None for rule in rules):
        return [f"Undecided: none of {n:,} samples shows a {thing} to the judge."]
    said = []
    for rule, count in rules.items():
        chosen, random = shares[rule], shares[f"{count} random"]
        more = number(against[rule], "low"), number(against[rule], "high")
        word = "Holds" if min(more[0], number(chosen, "at least")) > 0 else "Fails" if more[1] < 0 else "Undecided"
        said.append(
            f"{word}: without {_maps(rule, count)} {_change(chosen, f'samples show a {thing} ')}, n = {n:,}; without "
            f"{count} random {'one' if count == 1 else 'ones'} {_change(random)}."
            f"{_worst(of.get('kept', ()), rule, count)} Intervals: 95 %."
        )
    return said


def unjudged(found: Sequence[Table], rules: Mapping[str, int], thing: str) -> list[str]:
    """What the regression that chose the maps sees without them: all that can be told where there is no judge."""
    rows = {row["dropped"]: row for table in found if table.name == "regression" for row in table.rows}

    def fall(row: Mapping[str, Cell]) -> str:
        value, low, high = (f"{100 * number(row, column):z.1f}" for column in ("fall", "at least", "at most"))
        return f"{value} ({low} to {high})"

    return [
        f"No independent judge: the regression that chose the maps sees a {thing} in held-out boxes with a probability "
        f"of {number(rows['none'], 'probability'):.1%} (n = {rows['none']['n']:,}); without {_maps(rule, count)} it "
        f"falls by {fall(rows[rule])} points, without {count} random "
        f"{'one' if count == 1 else 'ones'} by {fall(rows[f'{count} random'])}. "
        "Intervals: 95 %."
        for rule, count in rules.items()
    ]


def _maps(rule: str, count: int) -> str:
    if count == 1:
        return f"the {rule.removeprefix('1 ')} map" if rule[0].isdigit() else "the only positive map"
    return f"{'the ' if rule[0].isdigit() else ''}{rule} maps"


def _change(row: Mapping[str, Cell], what: str = "") -> str:
    """The relative fall, or rise, with its interval turned round."""
    fall, low, high = (number(row, column) for column in ("fewer", "at least", "at most"))
    word = "fewer"
    if fall < 0:
        word, fall, low, high = "more", -fall, -high, -low
    return f"{fall:.0%} {word} {what}({low:z.0%} to {high:z.0%})"


def _worst(others: Sequence[Mapping[str, Cell]], rule: str, count: int) -> str:
    """Which other object stays least; those that no sample shows are none."""
    here = [row for row in others if row["dropped"] == rule and row["kept"] is not None]
    if not here:
        return ""
    row = min(here, key=lambda row: number(row, "kept"))
    twin = next(r for r in others if r["dropped"] == f"{count} random" and r["object"] == row["object"])
    stay = [f"{number(r, 'kept'):.0%} ({number(r, 'low'):.0%} to {number(r, 'high'):.0%})" for r in (row, twin)]
    random = f"{count} random {'map' if count == 1 else 'maps'}"
    n = f"n = {row['n']:,}"
    return f" Of other objects the {row['object']} fares worst ({n}): {stay[0]} stay; without {random} {stay[1]} do."


def number(row: Mapping[str, Cell], column: str) -> float:
    """A number of a table; 0 where there is none."""
    value = row[column]
    return float(value) if isinstance(value, int | float) else 0.0
