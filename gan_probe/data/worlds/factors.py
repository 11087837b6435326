"""What varies between the images of a world: each factor has its values, its odds and, where it names them, classes.

A factor turns two uniform numbers of an image into its value. It can be pinned: to one of its class names, to a value,
or to an array of values, one an image. Pinned to a class, it keeps its own number, and only what it says changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gan_probe.data.names import short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Factor(Protocol):
    """One thing that varies."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes; empty for a factor that is only a number."""

    def values(self, u: np.ndarray, pinned: Any = None) -> np.ndarray:
        """The values (N,) by the uniform numbers `u` (2, N), or as `pinned`; ValueError says what it may be."""

    def labels(self, values: np.ndarray) -> np.ndarray:
        """The class (N,) int64 of each value."""


@dataclass(frozen=True)
class Number:
    """A number, uniform on [low, high)."""

    low: float
    high: float

    classes: tuple[str, ...] = ()

    def values(self, u: np.ndarray, pinned: Any = None) -> np.ndarray:
        """Values (N,) float32."""
        if pinned is not None:
            return _numbers(pinned, u.shape[1], self.low, self.high)
        return np.asarray(self.low + (self.high - self.low) * u[1])

    def labels(self, values: np.ndarray) -> np.ndarray:
        """A number has no classes: 0 for each."""
        return np.zeros(len(values), dtype=np.int64)


@dataclass(frozen=True)
class Choice:
    """One of several names, equally likely; the value is its position."""

    classes: tuple[str, ...]

    def values(self, u: np.ndarray, pinned: Any = None) -> np.ndarray:
        """Values (N,) int64."""
        count = len(self.classes)
        if pinned is None:
            return np.asarray(np.minimum((u[0] * count).astype(np.int64), count - 1))
        return _classes(pinned, self.classes, u.shape[1])

    def labels(self, values: np.ndarray) -> np.ndarray:
        """The value is the class."""
        return values


@dataclass(frozen=True)
class Flag:
    """There, with probability `chance`, or not."""

    name: str
    chance: float

    @property
    def classes(self) -> tuple[str, ...]:
        """Its absence and its presence."""
        return f"no {self.name}", self.name

    def values(self, u: np.ndarray, pinned: Any = None) -> np.ndarray:
        """Values (N,) bool."""
        if pinned is None:
            return np.asarray(u[0] < self.chance)
        return np.asarray(_classes(pinned, self.classes, u.shape[1]) == 1)

    def labels(self, values: np.ndarray) -> np.ndarray:
        """0 where it is not, 1 where it is."""
        return values.astype(np.int64)


@dataclass(frozen=True)
class Levels:
    """A degree that comes in ranges with names, equally likely, and gaps between: uniform within its range.

    It may be pinned to a name, or to any number from the lowest range's beginning to the highest range's end.
    """

    ranges: Mapping[str, tuple[float, float]]  # ascending

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the ranges, from low to high."""
        return tuple(self.ranges)

    def values(self, u: np.ndarray, pinned: Any = None) -> np.ndarray:
        """Values (N,) float32."""
        ends = np.array(list(self.ranges.values()), dtype=np.float32)  # (classes, 2)
        if pinned is not None and not _is_text(pinned):
            return _numbers(pinned, u.shape[1], float(ends[0, 0]), float(ends[-1, 1]))
        chosen = Choice(self.classes).values(u, pinned)
        low, high = ends[chosen].T
        return np.asarray(low + (high - low) * u[1])

    def labels(self, values: np.ndarray) -> np.ndarray:
        """The range that a value is in, or nearest to."""
        ends = np.array(list(self.ranges.values()), dtype=np.float32)
        return np.searchsorted((ends[:-1, 1] + ends[1:, 0]) / 2, values, side="right")


def _is_text(pinned: Any) -> bool:
    return np.asarray(pinned).dtype.kind == "U"


def _numbers(pinned: Any, n: int, low: float, high: float) -> np.ndarray:
    numbers = np.asarray(pinned)
    if numbers.dtype.kind not in "iufb" or not ((numbers >= low) & (numbers <= high)).all():
        raise ValueError(f"a number from {low:g} to {high:g}")
    return _one_each(numbers.astype(np.float32), n)


def _classes(pinned: Any, classes: tuple[str, ...], n: int) -> np.ndarray:
    wanted = np.asarray(pinned)
    if wanted.dtype.kind == "U" and np.isin(wanted, classes).all():
        wanted = np.vectorize(classes.index, otypes=[np.int64])(wanted)
    if wanted.dtype.kind not in "iub" or not ((wanted >= 0) & (wanted < len(classes))).all():
        raise ValueError(f"one of {', '.join(classes)}")
    return _one_each(wanted.astype(np.int64), n)


def _one_each(values: np.ndarray, n: int) -> np.ndarray:
    if values.shape not in ((), (n,)):
        raise ValueError(f"one value, or an array of {n}")
    return np.broadcast_to(values, (n,))


def unknown(name: str, known: Mapping[str, Factor], world: str) -> BadInputError:
    """The error for a name that a world does not have."""
    return BadInputError(f"{world} has no {short(name, 30)!r}; choose from {short(', '.join(known), 100)}")
