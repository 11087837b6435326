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
    said = []
    for rule, count in rules.items():
        chosen, random = shares[rule], shares[f"{count} random"]
        if chosen["fewer"] is None:
            said.append(f"Undecided: none of the samples shows a {thing} to the judge.")
            continue
        more = number(against[rule], "low"), number(against[rule], "high")
        word = "Holds" if min(more[0], number(chosen, "at least")) > 0 else "Fails" if more[1] < 0 else "Undecided"
        maps = f"the {rule}" if rule[0].isdigit() else rule
        said.append(
            f"{word}: without {maps} maps {number(chosen, 'fewer'):.0%} fewer samples show a {thing} "
            f"({number(chosen, 'at least'):.0%} to {number(chosen, 'at most'):.0%}); without {count} random ones "
            f"{number(random, 'fewer'):.0%} ({number(random, 'at least'):.0%} to {number(random, 'at most'):.0%}; "
            f"below zero: more show one).{_worst([row for row in of.get('kept', ()) if row['dropped'] == rule])}"
        )
    return said


def _worst(others: Sequence[Mapping[str, Cell]]) -> str:
    if not others:
        return ""
    row = min(others, key=lambda row: number(row, "kept"))
    return f" Of the other objects the {row['object']} fares worst: {number(row, 'kept'):.0%} of them stay."


def number(row: Mapping[str, Cell], column: str) -> float:
    """A number of a table; 0 where there is none."""
    value = row[column]
    return float(value) if isinstance(value, int | float) else 0.0
