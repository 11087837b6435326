"""What the probe found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gan_probe import Table
    from gan_probe.report import Cell

SIZES = 3  # numbers of labels that are told; of more, the fewest and the most


def findings(tables: Sequence[Table]) -> list[str]:
    """The first feature set's accuracy beside the controls', with all labels and with few."""
    found = {table.name: table for table in tables}
    return [*_with_all(found), *_with_few(found)]


def _with_all(found: Mapping[str, Table]) -> Iterator[str]:
    if (table := found.get("accuracy")) is None:
        return
    main, *controls = table.rows
    differences = found["differences"].rows if controls else ()
    yield _sentence(main, f"{main['n_train']:,} labelled images", controls, differences)


def _with_few(found: Mapping[str, Table]) -> Iterator[str]:
    if (table := found.get("few-labels")) is None:
        return
    own = [row for row in table.rows if row["features"] == table.rows[0]["features"]]
    for main in own if len(own) <= SIZES else (own[0], own[-1]):
        n = main["labels per class"]
        controls = [row for row in table.rows if row["labels per class"] == n and row is not main]
        rows = found["few-label-differences"].rows if controls else ()
        differences = [row for row in rows if row["labels per class"] == n]
        yield _sentence(main, f"{n:,} labelled images a class ({main['draws']} draws)", controls, differences)


def _sentence(
    main: Mapping[str, Cell],
    taught: str,
    controls: Sequence[Mapping[str, Cell]],
    differences: Sequence[Mapping[str, Cell]],
) -> str:
    name = str(main["features"])
    said = [
        f"{name[0].upper()}{name[1:]} names {main['accuracy']:.1%} ({main['low']:.1%} to {main['high']:.1%}) of "
        f"{main['n_test']:,} test images rightly, from {taught}"
    ]
    for control, row in zip(controls, differences, strict=True):
        less, low, high = (100 * float(row[name] or 0) for name in ("difference", "low", "high"))
        word = "less"
        if less < 0:
            word, less, low, high = "more", -less, -high, -low
        apart = f"{less:.1f} points {word} ({low:.1f} to {high:.1f})"
        said.append(f"{control['features']} {control['accuracy']:.1%}, {apart}")
    return f"{'; '.join(said)}."
