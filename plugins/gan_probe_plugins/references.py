"""What the built-in analyses cite: the entries of `references.bib`, by their keys."""

from __future__ import annotations

import functools
import re
from pathlib import Path


def works(*keys: str) -> tuple[str, ...]:
    """The BibTeX entries of these keys; KeyError for one that is not in the file."""
    known = _entries()
    return tuple(known[key] for key in keys)


@functools.cache
def _entries() -> dict[str, str]:
    text = Path(__file__).with_name("references.bib").read_text("ascii")
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in re.split(r"\n(?=@)", text)}
