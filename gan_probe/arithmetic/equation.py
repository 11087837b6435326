"""What an equation says: `smiling & woman - neutral & woman + neutral & man` is `smiling & man`."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def parse_equation(text: str) -> tuple[str, str, str]:
    """The concepts A, B and C of `A - B + C`, signs between spaces; BadInputError for any other form."""
    parts = re.split(r"\s+([+-])\s+", text.strip())
    if parts[1::2] != ["-", "+"] or not all(parts):
        raise BadInputError(
            f"equation {one_line(text, 80)!r}: write it as A - B + C, with spaces around the signs and "
            "` & ` between the names of a concept"
        )
    a, b, c = (" & ".join(name.strip() for name in part.split("&")) for part in parts[::2])
    return a, b, c


def parse_concept(text: str, judges: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A concept's class by judge; `judges` holds each judge's classes.

    Its names stand between ampersands: a class (`smiling`), or judge and class where several judges know a class of
    that name (`gender=1`). Raises BadInputError, which lists the classes there are, for a name that is none.
    """
    found: dict[str, str] = {}
    for name in (part.strip() for part in text.split("&")):
        own, _, value = name.partition("=")
        matches = [(judge, name) for judge, classes in judges.items() if name in classes]
        if own in judges and value in judges[own]:
            matches = [(own, value)]
        if len(matches) != 1:
            known = "; ".join(f"{judge}: {', '.join(classes)}" for judge, classes in judges.items())
            fault = "is no class of a judge" if not matches else "is a class of several judges: write JUDGE=CLASS"
            raise BadInputError(one_line(f"{one_line(name, 40)!r} {fault}; there are {known}"))
        judge, value = matches[0]
        if found.get(judge, value) != value:
            raise BadInputError(f"concept {one_line(text, 60)!r} names two classes of the judge {one_line(judge, 40)}")
        found[judge] = value
    return found


def implied(a: Mapping[str, str], b: Mapping[str, str], c: Mapping[str, str]) -> dict[str, str]:
    """The classes by judge that A - B + C should show: what is left when equal classes have cancelled.

    Raises BadInputError where two classes of one judge are left, or nothing at all.
    """
    result = {}
    for judge in {**a, **b, **c}:
        counts: Counter[str] = Counter()
        for concept, sign in ((a, 1), (b, -1), (c, 1)):
            if judge in concept:
                counts[concept[judge]] += sign
        left = [value for value, count in counts.items() if count > 0]
        if len(left) > 1 or max(counts.values()) > 1:
            raise BadInputError(
                f"the equation does not say which {one_line(judge, 40)} to expect ({one_line(' or '.join(left), 60)}): "
                "let B share it with A or with C"
            )
        if left:
            result[judge] = left[0]
    if not result:
        raise BadInputError("the equation cancels out: no class is left to expect")
    return result
