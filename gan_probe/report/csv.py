"""Tables as CSV (RFC 4180) for programs, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from gan_probe.report.text import visible

if TYPE_CHECKING:
    from gan_probe.report.model import Cell, Measure, Table

# A spreadsheet takes text that begins so for a formula; East Asian ones the full-width forms, too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # these very characters


def to_csv(table: Table) -> str:
    r"""The table as CSV: full values, None empty, one record a line.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; control characters, bidi marks and
    surrogates are written as escapes (`\x1b`). Numbers are never touched.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_text(column) for column in table.columns])
    writer.writerows([_cell(row[column]) for column in table.columns] for row in table.rows)
    return buffer.getvalue()


def measure_csv(measure: Measure) -> str:
    """The values of a measure, or its replicates, one a line behind their number, counted from 0."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(["replicate" if measure.estimate is not None else _text(measure.unit or "unit"), "value"])
    writer.writerows(enumerate(map(repr, measure.values.tolist())))
    return buffer.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return _text(value)


def _text(text: str) -> str:
    return ("'" if text.startswith(FORMULA) else "") + visible(text)
