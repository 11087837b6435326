"""Names from strangers' disks, made fit to print: no control, bidirectional or surrogate characters."""

from __future__ import annotations


def printable(name: object) -> str:
    """The name with every unprintable character as an escape; what it then holds is still not safe HTML."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(name))


def short(name: object, limit: int = 60) -> str:
    """A printable name of at most `limit` characters, cut in the middle, for one-line messages."""
    text = printable(name)
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return f"{text[:head]}…{text[head + 1 - limit :]}"
