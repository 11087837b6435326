"""How many decimals a number needs, so that its interval can be read."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SPEC = re.compile(r"(\+?,?)\.(\d+)([fg%])")
MORE = 3  # decimals at most beyond the format's own


def fine_enough(spec: str, intervals: Iterable[tuple[float, float]]) -> str:
    """The format, with decimals added until each (low, high) shows two digits of half its width."""
    known = [(low, high) for low, high in intervals if math.isfinite(high - low) and high > low]
    match = SPEC.fullmatch(spec)
    if match is None or not known:
        return spec
    sign, digits, kind = match[1], int(match[2]), match[3]
    finest = min(math.floor(math.log10((high - low) / 2)) for low, high in known)
    if kind == "g":  # counts from the first digit, not from the point
        needed = math.floor(math.log10(max(abs(end) for ends in known for end in ends))) - finest + 2
    else:
        needed = 1 - finest - (2 if kind == "%" else 0)
    return f"{sign}.{max(digits, min(needed, digits + MORE))}{kind}"
