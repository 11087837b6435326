"""Names in charts: what the font lacks becomes a number, which the caption explains.

Charts use the one font that comes with matplotlib, so that they are the same on every machine.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from gan_probe.report.style import STYLE
from gan_probe.report.text import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence


def legible(names: Sequence[str]) -> list[str]:
    """The names as charts can show them: one that the font cannot write becomes its place in the list, `no. 3`."""
    return [name if _written(name) else f"no. {number}" for number, name in enumerate(names, 1)]


def unwritten(names: Sequence[str]) -> str:
    """A caption's sentence on the names that `legible` makes numbers, behind a space; empty where it writes all."""
    listed = [f"no. {number}: {shorten(name, 40)}" for number, name in enumerate(names, 1) if not _written(name)]
    return f" Names that the chart's font lacks: {'; '.join(listed)}." if listed else ""


def _written(name: str) -> bool:
    return all(ord(c) in _letters() for c in visible(name))


@functools.cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(STYLE["font.family"][0])).get_charmap())
