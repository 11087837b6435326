"""What the probe found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gan_probe import Table
    from gan_probe.report import Cell

SIZES = 3  # numbers of labels that are told; of more, the fewest and the most
BESIDE = 4  # controls that are told, the strongest


def findings(tables: Sequence[Table]) -> list[str]:
    """The first feature set's accuracy beside the controls', with all labels and with few."""
    found = {table.name: table for table in tables}
    return [*_with_all(found), *_with_few(found)]


def _with_all(found: Mapping[str, Table]) -> Iterator[str]:
    if (table := found.get("accuracy")) is None:
        return
    main, *controls = table.rows
    differences = found["differences"].rows if controls else ()
    yield _sentence(main, f"{main['n_train']:,} labelled images", controls, differences, "test images")


def _with_few(found: Mapping[str, Table]) -> Iterator[str]:
    if (table := found.get("few-labels")) is None:
        return
    own = [row for row in table.rows if row["features"] == table.rows[0]["features"]]
    for main in own if len(own) <= SIZES else (own[0], own[-1]):
        n = main["labels per class"]
        controls = [row for row in table.rows if row["labels per class"] == n and row is not main]
        rows = found["few-label-differences"].rows if controls else ()
        differences = [row for row in rows if row["labels per class"] == n]
        taught = f"{n:,} labelled image{'' if n == 1 else 's'} a class ({main['draws']:,} draws)"
        yield _sentence(main, taught, controls, differences, "draws and test images")


def _sentence(
    main: Mapping[str, Cell],
    taught: str,
    controls: Sequence[Mapping[str, Cell]],
    differences: Sequence[Mapping[str, Cell]],
    over: str,
) -> str:
    name = str(main["features"])
    said = [
        f"{name[0].upper()}{name[1:]} names {main['accuracy']:.1%} ({main['low']:.1%} to {main['high']:.1%}) of "
        f"{main['n_test']:,} test images rightly, from {taught}"
    ]
    beside = list(zip(controls, differences, strict=True))
    strongest = sorted(range(len(beside)), key=lambda i: -_number(beside[i][0], "accuracy"))[:BESIDE]
    for control, row in (beside[i] for i in sorted(strongest)):
        draws = "" if control.get("draws") == main.get("draws") else f" ({control['draws']} draws)"
        said.append(f"{control['features']} {control['accuracy']:.1%}{draws}, {_less(row)}")
    if len(beside) > BESIDE:
        said.append(f"{len(beside) - BESIDE} weaker control{'s' * (len(beside) > BESIDE + 1)} in the table")
    return f"{'; '.join(said)}. Intervals: 95 %, over {over}{_random_draws(controls)}."


def _random_draws(controls: Sequence[Mapping[str, Cell]]) -> str:
    """How many networks with random weights there are: no interval is over them."""
    n = sum(str(control["features"]).startswith("random weights") for control in controls)
    if n == 0:
        return ""
    return "; one draw of random weights" if n == 1 else f"; each of {n} draws of random weights by itself"


def _less(row: Mapping[str, Cell]) -> str:
    """By how much a control is right less often, or more, with the interval turned round then."""
    less, low, high = (100 * _number(row, name) for name in ("difference", "low", "high"))
    word = "less"
    if less < 0:
        word, less, low, high = "more", -less, -high, -low
    return f"{less:.1f} points {word} ({low:z.1f} to {high:z.1f}{'' if low > 0 else ': not told apart'})"


def _number(row: Mapping[str, Cell], column: str) -> float:
    return float(row[column] or 0)
