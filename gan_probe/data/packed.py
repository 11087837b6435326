"""Millions of names in little memory: of a list, each name costs 57 bytes and its pointer before its first letter."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np


class PackedNames(Sequence[str]):
    """Names one behind the other, as UTF-8, and where each ends: 8 bytes a name and its letters."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._letters = bytearray()
        self._ends = array("q", [0])
        for name in names:
            self.append(name)

    def append(self, name: str) -> None:
        """Add one at the end."""
        self._letters += name.encode("utf-8", "surrogatepass")  # names on disk need not be text
        self._ends.append(len(self._letters))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        i = range(len(self))[index]  # from the end, too, and IndexError
        return self._letters[self._ends[i] : self._ends[i + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))


class Prefixed(Sequence[str]):
    """Names behind one of a few prefixes: `prefixes[which[i]] + names[i]`, put together when asked for."""

    def __init__(self, prefixes: Sequence[str], which: np.ndarray, names: Sequence[str]) -> None:
        self.prefixes, self.which, self.names = prefixes, which, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return f"{self.prefixes[self.which[index]]}{self.names[index]}"
