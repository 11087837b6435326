"""What a plugin returned, checked before anything is written, so that its fault is found while its name is known."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.report.model import Artifact, Cell, Figure, Measure, Report, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
CHECK_DPI = 40  # figures are drawn once, small: broken mathematics or sizes fail here


def check_report(report: object) -> Report:
    """The report with numpy scalars as Python numbers and prose on one line; a fault names the part that has it.

    Raises TypeError for parts of the wrong type and ValueError for tables that are not rectangular, doubled or
    unusable names, senseless formats, measures without finite values, and figures or artifacts that cannot be written.
    """
    if not isinstance(report, Report):
        raise TypeError(f"an analysis returns a gan_probe.Report, not {type(report).__name__}")
    checked = dataclasses.replace(
        report,
        tables=tuple(_table(part) for part in _parts(report.tables, Table, "table")),
        figures=tuple(_figure(part) for part in _parts(report.figures, Figure, "figure")),
        artifacts=tuple(_artifact(part) for part in _parts(report.artifacts, Artifact, "artifact")),
        measures=tuple(_measure(part) for part in _parts(report.measures, Measure, "measure")),
        methods=_prose(report.methods, "the methods"),
        notes=tuple(_prose(note, "a note") for note in _sequence(report.notes, "the notes")),
        title=_prose(report.title, "the report's title"),
    )
    for kind in ("table", "figure", "artifact", "measure"):
        _distinct(kind, (part.name for part in getattr(checked, f"{kind}s")))
    return checked


def _sequence(value: object, what: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise TypeError(f"{what} must be a list or tuple, not {type(value).__name__}")
    return value


def _parts(values: object, kind: type[Any], word: str) -> list[Any]:
    parts = list(_sequence(values, f"the {word}s"))
    for part in parts:
        if not isinstance(part, kind):
            raise TypeError(f"the {word}s hold {type(part).__name__}, not {kind.__name__}")
        if not isinstance(part.name, str) or not IDENTIFIER.fullmatch(part.name):
            raise ValueError(
                f"{word} {part.name!r:.80}: its name must be made of a-z 0-9 . _ - and start with a-z or 0-9"
            )
    return parts


def _distinct(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two {kind}s are named {name!r}")
        seen.add(name)


def _prose(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be text, not {type(text).__name__}")
    return " ".join(text.split())


def _table(table: Table) -> Table:
    what = f"table {table.name!r}"
    rows = _sequence(table.rows, f"{what}: its rows")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TypeError(f"{what}: row {number} is {type(row).__name__}, not a mapping of columns to cells")
        if not all(isinstance(column, str) and column for column in row):
            raise TypeError(f"{what}: row {number} has a column whose name is not text")
        if row.keys() != rows[0].keys():
            odd = sorted(row.keys() ^ rows[0].keys())
            raise ValueError(f"{what}: row {number} and row 1 differ in column {odd[0]!r}")
    columns = tuple(rows[0]) if rows else ()
    checked = dataclasses.replace(
        table,
        rows=tuple({column: _cell(row[column], what, column) for column in columns} for row in rows),
        title=_prose(table.title, f"{what}: its title"),
        caption=_prose(table.caption, f"{what}: its caption"),
    )
    if not all(isinstance(words, str) and isinstance(name, str) for words, name in table.links.items()):
        raise TypeError(f"{what}: its links lead from words to names of parts")
    if rows and (unknown := sorted(set(table.formats) - set(columns))):
        raise ValueError(f"{what}: a format is given for {unknown[0]!r}, which is no column")
    for row in checked.rows:
        for column in table.formats:
            try:
                checked.text(column, row[column])
            except (TypeError, ValueError):
                spec = table.formats[column]
                raise ValueError(f"{what}: format {spec!r} does not fit {row[column]!r} in column {column!r}") from None
    return checked


def _cell(value: Any, what: str, column: str) -> Cell:
    if value is None or type(value) in (str, int, float, bool):
        return value  # type: ignore[no-any-return]  # just narrowed
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    # subclasses (an enum's members, numpy's float64 and str_) become what they extend
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{what}: column {column!r} holds {type(value).__name__}, not text, number, bool or None")


def _figure(figure: Figure) -> Figure:
    from gan_probe.report.figures import png

    what = f"figure {figure.name!r}"
    try:
        png(figure, dpi=CHECK_DPI)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from error
    except Exception as error:  # matplotlib raises whatever its artists raise
        raise ValueError(f"{what} cannot be drawn: {error}") from error
    return dataclasses.replace(
        figure,
        title=_prose(figure.title, f"{what}: its title"),
        caption=_prose(figure.caption, f"{what}: its caption"),
        alt=_prose(figure.alt, f"{what}: its alt"),
    )


def _artifact(artifact: Artifact) -> Artifact:
    what = f"artifact {artifact.name!r}"
    if isinstance(artifact.content, Path):
        if not artifact.content.is_file():
            raise ValueError(f"{what}: there is no file {artifact.content}")
    elif not isinstance(artifact.content, bytes):
        raise TypeError(f"{what}: its content is {type(artifact.content).__name__}, not bytes or a Path")
    return dataclasses.replace(artifact, caption=_prose(artifact.caption, f"{what}: its caption"))


def _measure(measure: Measure) -> Measure:
    import numpy as np

    what = f"measure {measure.name!r}"
    try:
        values = np.asarray(measure.values, dtype=np.float64)
        estimate = None if measure.estimate is None else float(measure.estimate)
        format(0.5, measure.format)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what}: {error}") from error
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"{what}: its values must be a row of finite numbers, not of shape {values.shape}")
    if measure.better not in ("higher", "lower", ""):
        raise ValueError(f"{what}: better is 'higher', 'lower' or '', not {measure.better!r:.40}")
    return dataclasses.replace(
        measure,
        values=values,
        estimate=estimate,
        title=_prose(measure.title, f"{what}: its title"),
        unit=_prose(measure.unit, f"{what}: its unit"),
        units=_prose(measure.units, f"{what}: its units"),
    )
