"""An item of the paper: what it claims, how it is remade, and when the claim may be said to hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe import GAN, Report
    from gan_probe.data import Data
    from gan_probe.report import Cell

Word = Literal["held", "did not hold", "undecided", "not comparable", "shown", "not run"]


@dataclass(frozen=True)
class World:
    """What there is to remake the paper with: the checkpoint, data, what people marked, and how much time."""

    gan: GAN
    data: Data | None = None
    no_data: str = ""
    labelled: tuple[Data, ...] = ()
    boxes: str | None = None
    thing: str | None = None  # what is to be forgotten
    concepts: str | None = None
    equations: tuple[str, ...] | None = None
    judges: tuple[str, ...] | None = None
    judge: str | None = None
    snapshots: Mapping[int, GAN] = field(default_factory=dict)  # by epoch
    quick: bool = False
    seed: int = 0

    def labelled_as(self, name: str) -> Data | None:
        """The labelled set of that name, or the first there is, the training data among them."""
        own = () if self.data is None or self.data.train.labels is None else (self.data,)
        sets = [data for data in (*self.labelled, *own) if data.train.labels is not None]
        named = [data for data in sets if name in data.name.lower()]
        return next(iter(named or sets), None)


@dataclass(frozen=True)
class Plan:
    """What an item runs: options and data for its analysis, or what is `missing` and how it is to be had."""

    options: Mapping[str, Any] = field(default_factory=dict)
    data: Data | None = None
    missing: str = ""
    gan: GAN | None = None


@dataclass(frozen=True)
class Deviation:
    """Where this differs from the paper's protocol."""

    of: str
    paper: str
    here: str


@dataclass(frozen=True)
class Outcome:
    """What was measured, in words with its interval and n; whether the claim held; and why it is said so."""

    here: str
    word: Word
    why: str


class Item(ABC):
    """One table, figure or claim of the paper; a subclass for each."""

    name: ClassVar[str]
    place: ClassVar[str]  # in the paper
    title: ClassVar[str]
    analysis: ClassVar[str]
    claim: ClassVar[str]  # what the paper reports
    of_samples: ClassVar[bool] = False  # the claim is empty where the samples are one image, or noise
    minutes: ClassVar[tuple[float, float]]  # in full and in quick, of a 32-pixel model on one core: a first guess

    @abstractmethod
    def plan(self, world: World) -> Plan:
        """What is to be run here."""

    @abstractmethod
    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Where this run differs from the paper's protocol."""

    @abstractmethod
    def outcome(self, world: World, report: Report) -> Outcome:
        """What the report, which is `ok`, says of the claim."""

    def undermines(self, report: Report) -> str | None:  # noqa: ARG002  # for those that override it
        """Why claims about samples say nothing here, as this item's report has it; None where it does not ask."""
        return None


def number(cell: Cell) -> float:
    """A cell that holds a number."""
    assert isinstance(cell, int | float)  # noqa: S101  # the analyses' own columns
    return float(cell)


def value(row: Mapping[str, Cell], columns: tuple[str, str, str], spec: str) -> str:
    """A number with its 95 % interval: `69.8% (68.9% to 70.7%)`."""
    shown, low, high = (format(number(row[column]), spec) for column in columns)
    return f"{shown} ({low} to {high})"


def above_zero(low: float, high: float) -> Word:
    """What a 95 % interval says of a difference that is claimed to be above zero."""
    return "held" if low > 0 else "did not hold" if high < 0 else "undecided"


def only(report: Report, table: str, **cells: Cell) -> Mapping[str, Cell]:
    """The first row of the table with these cells."""
    return next(row for row in report.table(table).rows if all(row[k] == v for k, v in cells.items()))


def name_of(data: Data | None) -> str:
    """A data set by its name and size."""
    if data is None:
        return "none"
    test = f" and {len(data.test):,} test" if data.test is not None else ""
    return f"{data.name}, {len(data.train):,} training{test} images"
