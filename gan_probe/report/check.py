"""What a plugin returned, checked before anything is written, so that its fault is found while its name is known."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gan_probe.report.bibtex import CITATION, Entry, parse
from gan_probe.report.model import Artifact, Cell, Figure, Measure, Report, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
CHECK_DPI = 40  # figures are drawn once, small, and as PDF: broken mathematics or sizes fail here
# What no page, spreadsheet or reader takes: more than this belongs into an artifact.
MOST_PARTS = 1000  # tables, figures, notes, ..., each; columns of a table
MOST_ROWS = 100_000
LONGEST_TEXT = 100_000  # characters of a cell or a caption
WIDEST_NUMBER = 1000  # bits of a whole number
SPEC = re.compile(r"(\D|\d{1,3}(?!\d))*")  # a format whose numbers have three digits at most


def check_report(report: object, references: Sequence[str] | None = None) -> Report:
    """The report with numpy scalars as Python numbers and prose on one line; a fault names the part that has it.

    `references` are its analysis', of which it gets those that it cites; without, they are its own. Raises TypeError
    for parts of the wrong type and ValueError for tables that are not rectangular, doubled or unusable names, senseless
    formats, monstrous sizes, measures without finite values, figures or artifacts that cannot be written, and citations
    of nothing. What is of a class derived from ours becomes ours: no code of the plugin's runs behind this.
    """
    if not isinstance(report, Report):
        raise TypeError(f"an analysis returns a gan_probe.Report, not {type(report).__name__}")
    checked = dataclasses.replace(
        _plain(report, Report),
        tables=tuple(_table(part) for part in _parts(report.tables, Table, "table")),
        figures=tuple(_figure(part) for part in _parts(report.figures, Figure, "figure")),
        artifacts=tuple(_artifact(part) for part in _parts(report.artifacts, Artifact, "artifact")),
        measures=tuple(_measure(part) for part in _parts(report.measures, Measure, "measure")),
        methods=_prose(report.methods, "the methods"),
        references=_cited(report.methods, report.references if references is None else references),
        findings=tuple(_prose(one, "a finding") for one in _sequence(report.findings, "the findings")),
        notes=tuple(_prose(note, "a note") for note in _sequence(report.notes, "the notes")),
        title=_prose(report.title, "the report's title"),
    )
    for kind in ("table", "figure", "artifact", "measure"):
        _distinct(kind, (part.name for part in getattr(checked, f"{kind}s")))
    return checked


def _sequence(value: object, what: str, most: int = MOST_PARTS) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise TypeError(f"{what} must be a list or tuple, not {type(value).__name__}")
    if len(value) > most:
        raise ValueError(f"{what} are {len(value):,}; at most {most:,} are allowed: make them an artifact")
    return value


P = TypeVar("P", Report, Table, Figure, Artifact, Measure)


def _plain(part: P, kind: type[P]) -> P:
    return part if type(part) is kind else kind(**{f.name: getattr(part, f.name) for f in dataclasses.fields(kind)})


def _parts(values: object, kind: type[Any], word: str) -> list[Any]:
    parts = list(_sequence(values, f"the {word}s"))
    for number, part in enumerate(parts):
        if not isinstance(part, kind):
            raise TypeError(f"the {word}s hold {type(part).__name__}, not {kind.__name__}")
        if not isinstance(part.name, str) or not IDENTIFIER.fullmatch(part.name):
            raise ValueError(
                f"{word} {part.name!r:.80}: its name must be made of a-z 0-9 . _ - and start with a-z or 0-9"
            )
        parts[number] = dataclasses.replace(_plain(part, kind), name=_text(part.name, f"the {word}'s name"))
    return parts


def _distinct(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two {kind}s are named {name!r}")
        seen.add(name)


def _prose(text: object, what: str) -> str:
    return " ".join(_text(text, what).split())


def _text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be text, not {type(text).__name__}")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{what} has {len(text):,} characters; at most {LONGEST_TEXT:,} are allowed")
    return str.__str__(text)


def _cited(methods: str, references: object) -> tuple[str, ...]:
    """The references that the methods cite, in that order."""
    entries: dict[str, Entry] = {}
    for number, text in enumerate(_sequence(references, "the references"), 1):
        try:
            entry = parse(text)
        except ValueError as error:
            raise ValueError(f"reference {number}: {error}") from None
        if entry.key in entries:
            raise ValueError(f"two references have the key {entry.key!r}")
        entries[entry.key] = entry
    cited = list(dict.fromkeys(CITATION.findall(methods)))
    if "[@" in CITATION.sub("", methods):
        raise ValueError("its methods hold '[@', which begins no citation such as [@radford2016]")
    if unknown := [key for key in cited if key not in entries]:
        raise ValueError(f"its methods cite {unknown[0]!r}, which is not among its references")
    return tuple(entries[key].bibtex() for key in cited)


def _table(table: Table) -> Table:
    what = f"table {table.name!r}"
    rows = list(_sequence(table.rows, f"{what}: its rows", MOST_ROWS))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TypeError(f"{what}: row {number} is {type(row).__name__}, not a mapping of columns to cells")
        if not all(isinstance(column, str) and column for column in row):
            raise TypeError(f"{what}: row {number} has a column whose name is not text")
        if row.keys() != rows[0].keys():
            odd = sorted(row.keys() ^ rows[0].keys())
            raise ValueError(f"{what}: row {number} and row 1 differ in column {odd[0]!r}")
    if rows and len(rows[0]) > MOST_PARTS:
        raise ValueError(f"{what} has {len(rows[0]):,} columns; at most {MOST_PARTS:,} are allowed: turn it round")
    columns = tuple(_text(column, f"{what}: a column") for column in rows[0]) if rows else ()
    if long := [spec for spec in table.formats.values() if not (isinstance(spec, str) and SPEC.fullmatch(spec))]:
        raise ValueError(f"{what}: {long[0]!r:.80} is no format of at most 999 columns")
    checked = dataclasses.replace(
        table,
        rows=tuple({column: _cell(row[column], what, column) for column in columns} for row in rows),
        title=_prose(table.title, f"{what}: its title"),
        caption=_prose(table.caption, f"{what}: its caption"),
        formats=dict(table.formats),
    )
    if not all(isinstance(words, str) and isinstance(name, str) for words, name in table.links.items()):
        raise TypeError(f"{what}: its links lead from words to names of parts")
    if rows and (unknown := sorted(set(table.formats) - set(columns))):
        raise ValueError(f"{what}: a format is given for {unknown[0]!r}, which is no column")
    for row in checked.rows:
        for column in table.formats:
            try:
                checked.text(column, row[column])
            except (TypeError, ValueError, OverflowError):
                spec = table.formats[column]
                raise ValueError(f"{what}: format {spec!r} does not fit {row[column]!r} in column {column!r}") from None
    return checked


def _cell(value: Any, what: str, column: str) -> Cell:
    if value is None or type(value) in (float, bool):
        return value  # type: ignore[no-any-return]  # just narrowed
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    # subclasses (an enum's members, numpy's float64 and str_) become what they extend
    if isinstance(value, str):
        return _text(value, f"{what}: a cell of column {column!r:.80}")
    if isinstance(value, int) and value.bit_length() > WIDEST_NUMBER:
        raise ValueError(f"{what}: column {column!r:.80} holds a number of {value.bit_length():,} bits")
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{what}: column {column!r} holds {type(value).__name__}, not text, number, bool or None")


def _figure(figure: Figure) -> Figure:
    from gan_probe.report.drawing import pdf, png

    what = f"figure {figure.name!r}"
    try:
        png(figure, dpi=CHECK_DPI)
        pdf(figure)
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
    content = artifact.content if isinstance(artifact.content, bytes) else Path(artifact.content)
    return dataclasses.replace(artifact, content=content, caption=_prose(artifact.caption, f"{what}: its caption"))


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
    if measure.share and (measure.estimate is not None or not np.isin(values, (0, 1)).all()):
        raise ValueError(f"{what}: a share's values are 0 and 1, one for each unit")
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
