"""Cells of Markdown tables."""

from __future__ import annotations

import html
import re


def cell(text: str) -> str:
    """Plain text as a cell shows it: nothing in it is Markdown but `code`."""
    escaped = html.escape(text, quote=False)
    for mark in r"\*_[]|":
        escaped = escaped.replace(mark, f"&#{ord(mark)};")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped).replace("`", "&#96;")


def row(*cells: str) -> str:
    """A row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"
