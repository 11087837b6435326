"""How a table fits on paper: in one column or across both, at which size, what breaks its lines, where it is split."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Points that LaTeX's article class gives in two columns; the common journals and conferences give more.
COLUMN, PAGE, HEIGHT = 229.0, 469.0, 515.0
ONE_COLUMN = 345.0  # the same class's line in one column, which shares of a line are to suit, too
LINE, APART = 12.0, 3.0  # from one baseline of the caption to the next; between rows that break their lines
# A letter's width in 10-point Computer Modern, rounded up: most other fonts are narrower.
NARROW, WIDE, CAPITAL, OTHER, CODE = 3.95, 8.5, 7.6, 5.4, 46.0
DIGIT = 5.0
STEP = 3.0  # points by which columns of text grow
LONG_WORD, PIECE = 80.0, 60.0  # points: words beyond the one are broken into pieces of the other


@dataclass(frozen=True)
class Size:
    """A font size: its command, width against the normal one, half a column's gap and a line's height in points."""

    command: str
    scale: float
    gap: float
    line: float


SIZES = (Size("", 1.0, 6.0, 12.0), Size(r"\small", 0.93, 5.0, 11.0), Size(r"\footnotesize", 0.86, 4.0, 9.5))


@dataclass(frozen=True)
class Sheet:
    """A piece of the table that is set as one `tabular`: some of its columns and rows, by number."""

    columns: tuple[int, ...]
    rows: range


@dataclass(frozen=True)
class Layout:
    """How to set a table: `shares` of a line by column that breaks its lines, `floats` of sheets."""

    across: bool
    size: Size
    stacked: bool  # headings break their lines, too
    shares: dict[int, float]
    floats: tuple[tuple[Sheet, ...], ...]


def points(text: str) -> float:
    """The width of a line of text in 10-point Computer Modern, a little more rather than less."""
    return sum(map(_letter, text))


def _letter(c: str) -> float:
    base = unicodedata.normalize("NFD", c)[0]
    if base.isdigit():
        return DIGIT
    if base in "fijlrstI.,:;'!()[]|`- ":
        return NARROW
    if base in "mwMW%&@+=<>#\u2212\u00b1\u00d7\u2192\u2026\u2014":
        return WIDE if base != "W" else 10.3
    if base.isascii():
        return CAPITAL if base.isupper() else OTHER
    # what plain fonts lack is set as its code, [U+4E2D]
    return WIDE if unicodedata.category(base) in ("Pd", "Pi", "Pf", "Sm") or "\u0370" <= base < "\u0400" else CODE


def pieces(text: str) -> list[str]:
    """The text cut where a line may break besides at spaces: long words behind punctuation, or anywhere."""
    found, piece, long = [], "", {word for word in text.split() if points(word) > LONG_WORD}
    for word in _words(text):
        if word.strip() not in long:
            piece += word
            continue
        for c in word:
            piece += c
            width = points(piece.rpartition(" ")[2])
            if width > PIECE or (c in "-_/:.,=+" and width > PIECE / 3):
                found.append(piece)
                piece = ""
    return [*found, piece] if piece or not found else found


def _words(text: str) -> Iterator[str]:
    """Words, each with the space behind it."""
    for i, word in enumerate(text.split(" ")):
        if i:
            yield " "
        yield word


def stack(heading: str, width: float) -> list[str]:
    """The heading in lines of that width or, where a word is wider, the word's."""
    width = max(width, *(points(word) for word in _unbroken(heading)), 0.0)
    lines: list[str] = []
    for piece in pieces(heading):
        for i, word in enumerate(piece.split(" ")):
            joined = (lines[-1] + " " + word if i else lines[-1] + word) if lines else word
            if lines and points(joined) > width:
                lines.append(word)
            else:
                lines[-1:] = [joined]
    return [line.strip() for line in lines if line.strip()] or [""]


def _unbroken(text: str) -> list[str]:
    return [word for piece in pieces(text) for word in piece.split()] or [""]


def lay_out(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool], caption: str = ""
) -> Layout:
    """The first that fits: one column, both, both with broken lines, both with the columns on several sheets.

    `rows` hold what is printed, `numbers` says which columns must not break their lines.
    """
    n = len(headings)
    cells = [max((points(row[i]) for row in rows), default=0.0) for i in range(n)]
    whole = [max(cells[i], points(headings[i])) for i in range(n)]
    slim = [max(cells[i], *map(points, _unbroken(headings[i]))) for i in range(n)]
    for across in (False, True):
        for size in SIZES:
            for stacked, widths in ((False, whole), (True, slim)):
                if _wide(widths, size) <= (PAGE if across else COLUMN):
                    return _paged(across, size, stacked, {}, [tuple(range(n))], rows, caption)
    floors = [
        slim[i]
        if numbers[i]
        else max((points(w) for text in (headings[i], *(row[i] for row in rows)) for w in _unbroken(text)), default=0.0)
        for i in range(n)
    ]
    roomy = [floor * PAGE / ONE_COLUMN for floor in floors]
    if not any(numbers) and _wide(roomy, SIZES[-1]) <= PAGE:
        floors = roomy  # its words fit where the line is one column's, too
    for size in SIZES[1:]:
        if _wide(floors, size) <= PAGE:
            layout = _paged(
                True, size, True, _shares(floors, cells, rows, numbers, size), [tuple(range(n))], rows, caption
            )
            if len(layout.floats) == 1 or size is SIZES[-1]:
                return layout
    size = SIZES[-1]
    narrowed = [slim[i] if numbers[i] else min(slim[i], max(floors[i], PAGE / 4)) for i in range(n)]
    shares = {i: narrowed[i] * size.scale / PAGE for i in range(n) if narrowed[i] < slim[i]}
    return _paged(True, size, True, shares, _panels(narrowed, size), rows, caption)


def _wide(widths: Sequence[float], size: Size) -> float:
    return sum(widths) * size.scale + 2 * size.gap * (len(widths) - 1)


def _shares(
    floors: Sequence[float],
    cells: Sequence[float],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[bool],
    size: Size,
) -> dict[int, float]:
    """What of a line each column of text gets: its longest word, and of the rest so much that the rows are low."""
    texts = [i for i in range(len(floors)) if not numbers[i]]
    widths = {i: floors[i] for i in texts}
    gaps = 2 * size.gap * (len(floors) - 1)
    room = PAGE - gaps if any(numbers) else max(PAGE * (1 - gaps / ONE_COLUMN), sum(floors) * size.scale)
    spare = room / size.scale - sum(floors)
    lengths = [{i: points(row[i]) for i in texts} for row in rows]
    while spare >= STEP:
        # a step goes to the column that makes most of the height: that of the tallest cells of their rows
        height = dict.fromkeys(texts, 0.0)
        for row in lengths:
            tallest = max(texts, key=lambda i: row[i] / max(widths[i], 1.0))
            height[tallest] += row[tallest] / max(widths[tallest], 1.0)
        growing = [i for i in texts if cells[i] > widths[i]]
        if not growing:
            break
        widths[max(growing, key=lambda i: height[i])] += STEP
        spare -= STEP
    return {i: math.floor(1000 * widths[i] * size.scale / PAGE) / 1000 for i in texts}


def _panels(widths: Sequence[float], size: Size) -> list[tuple[int, ...]]:
    """The columns on as many sheets as it takes, each with the first column, which says what a row is."""
    panels: list[list[int]] = [[0]]
    for i in range(1, len(widths)):
        if len(panels[-1]) > 1 and _wide([widths[j] for j in (*panels[-1], i)], size) > PAGE:
            panels.append([0])
        panels[-1].append(i)
    return [tuple(panel) for panel in panels]


def _paged(
    across: bool,
    size: Size,
    stacked: bool,
    shares: dict[int, float],
    panels: Sequence[tuple[int, ...]],
    rows: Sequence[Sequence[str]],
    caption: str,
) -> Layout:
    """The layout with its sheets on as many pages as they take."""
    room = PAGE if across else COLUMN
    head = LINE * (4 if stacked else 2)
    left = full = HEIGHT - LINE * math.ceil(points(caption) / room)
    floats: list[list[Sheet]] = [[]]
    for panel in panels:
        start = 0
        left -= head
        for number, row in enumerate(rows):
            lines = (math.ceil(points(row[i]) * size.scale / (shares[i] * ONE_COLUMN)) for i in panel if i in shares)
            height = max(1, 1, *lines) * size.line + (APART if shares else 0)
            if left < height and (floats[-1] or number > start):
                if number > start:
                    floats[-1].append(Sheet(panel, range(start, number)))
                floats.append([])
                start, left = number, full - head
            left -= height
        floats[-1].append(Sheet(panel, range(start, len(rows))))
    return Layout(across, size, stacked, shares, tuple(tuple(sheets) for sheets in floats))
