"""Cells of Markdown tables."""

from __future__ import annotations

import html


def cell(text: str) -> str:
    """Plain text as a cell shows it: nothing in it is Markdown."""
    escaped = html.escape(text, quote=False)
    for mark in r"\`*_[]|":
        escaped = escaped.replace(mark, f"&#{ord(mark)};")
    return escaped


def row(*cells: str) -> str:
    """A row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"
