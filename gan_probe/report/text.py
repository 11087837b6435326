"""Text as people read it: hostile characters made visible, and tables aligned for the terminal."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report.model import Cell, Table

# Controls, line separators, surrogates, unassigned and private characters, and invisible formatting (bidi overrides).
HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # Persian and Indic words and many emoji need them
CELL_LIMIT = 300  # characters of a cell that people are shown; CSV and JSON hold all
FINDING_LIMIT, SHOWN_FINDINGS = 1000, 20  # characters of a finding, and findings of a report, likewise
GAP = "  "
P_VALUE, LEAST_P = re.compile(r"(?:^|[ (])p(?:$|[ )])"), 0.001  # `p`, `Holm p`, `p (Holm)`
IDENTIFIER = re.compile(r"[a-z]+(?:_[a-z]+)+")
NARROWEST = 8  # columns of the terminal that a shortened text column keeps


def visible(text: object) -> str:
    r"""The text with every character that could act unseen written as an escape: `\x1b`, `\u202e`, `\udc80`."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in HIDDEN and c not in JOINERS else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: object, limit: int = CELL_LIMIT) -> str:
    """The visible text, cut to `limit` characters with an ellipsis."""
    text = str(text)
    shown = visible(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def is_number(value: Cell) -> bool:
    """Whether a cell holds a number; True and False are words."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_columns(table: Table) -> frozenset[str]:
    """The columns that hold at least one number and otherwise nothing but None: set flush right."""
    return frozenset(
        column
        for column in table.columns
        if any(is_number(row[column]) for row in table.rows)
        and all(is_number(row[column]) or row[column] is None for row in table.rows)
    )


def cell_text(table: Table, column: str, value: Cell) -> str:
    """A cell for people: formatted, visible, short; of a p value below 0.001 no more than that."""
    if P_VALUE.search(column) and is_number(value) and 0 <= float(value or 0) < LEAST_P:
        return f"<{LEAST_P:g}"
    return shorten(table.text(column, value))


def heading(column: str) -> str:
    """A column's name as pages print it: `n_train` as two words, all others as they are."""
    return column.replace("_", " ") if IDENTIFIER.fullmatch(column) else column


def display_width(text: str) -> int:
    """Columns that the text takes on a terminal: two for wide characters, none for combining ones."""
    return sum(
        0 if unicodedata.combining(c) or c in JOINERS else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def told(findings: Sequence[str]) -> list[str]:
    """The findings as people are shown them: of long ones the beginning, of many the first, and how many more."""
    said = [shorten(finding, FINDING_LIMIT) for finding in findings if finding]
    more = len(said) - SHOWN_FINDINGS
    return [*said[:SHOWN_FINDINGS], f"… and {more:,} more, in the report's JSON."] if more > 0 else said


def wrapped(prose: str, width: int | None = None) -> list[str]:
    """A paragraph as lines of at most `width` columns, 100 where it is not given."""
    return textwrap.wrap(visible(prose), width or 100)


def format_table(table: Table, width: int | None = None) -> str:
    """The table for a terminal: title, header, aligned rows, caption; lines fit into `width` columns where given.

    Numbers are set flush right; text columns are shortened, the widest first, where the table is too wide.
    """
    columns = table.columns
    lines = [[visible(column) for column in columns]]
    lines += [[cell_text(table, column, row[column]) for column in columns] for row in table.rows]
    widths = [max(display_width(line[i]) for line in lines) for i in range(len(columns))]
    right = [column in numeric_columns(table) for column in columns]
    if width is not None:
        _narrow(widths, right, width)
    body = [
        GAP.join(_pad(text, w, flush) for text, w, flush in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    ]
    if columns:
        body.insert(1, "─" * (sum(widths) + len(GAP) * (len(columns) - 1)))
    title = [visible(table.title or table.name)]
    empty = [] if table.rows else ["(no rows)"]
    caption = wrapped(table.caption, width) if table.caption else []
    return "\n".join(title + (body if columns else []) + empty + caption)


def _narrow(widths: list[int], right: Sequence[bool], width: int) -> None:
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    while excess > 0:
        texts = [i for i in range(len(widths)) if not right[i] and widths[i] > NARROWEST]
        if not texts:
            return
        widest = max(texts, key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1


def _pad(text: str, width: int, flush_right: bool) -> str:
    if display_width(text) > width:
        # names differ at either end as often as at the other: cut in the middle
        head, tail = text[: len(text) // 2], text[len(text) // 2 :]
        while display_width(head + tail) > width - 1:
            head, tail = (head[:-1], tail) if display_width(head) > display_width(tail) else (head, tail[1:])
        text = f"{head}…{tail}"
    space = " " * (width - display_width(text))
    return space + text if flush_right else text + space


def quoted(name: object, limit: int = 60) -> str:
    """A name out of a file or an option, in quotes, for a methods paragraph: whatever it holds cites nothing."""
    return f"“{shorten(name, limit).replace('[@', '[ @')}”"
