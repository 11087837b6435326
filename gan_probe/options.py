"""One typed declaration of an option, from which the command line, its help, the docs and the report are made."""

from __future__ import annotations

import dataclasses
import math
import types
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gan_probe.errors import BadInputError, UsageError

SCALARS = (bool, int, float, str)
OptionsT = TypeVar("OptionsT", bound="Options")


def option(
    default: Any,
    help: str,  # noqa: A002  # click's word
    *,
    min: float | None = None,  # noqa: A002  # click's word
    max: float | None = None,  # noqa: A002  # click's word
) -> Any:
    """Declare an option of an analysis: its default, its help line and, for numbers, its inclusive bounds.

    The annotation gives the type: `bool`, `int`, `float`, `str`, a `Literal` of choices, one of these `| None`,
    or `tuple[T, ...]` for comma-separated values.
    """
    return field(default=default, metadata={"help": help, "min": min, "max": max})


@dataclass(frozen=True)
class Options:
    """Base of an analysis' options: a frozen dataclass whose fields are made by `option`."""


@dataclass(frozen=True)
class Declared:
    """One option as declared: name in Python, scalar type, choices, whether it is a list or may be None."""

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    multiple: bool = False
    optional: bool = False
    min: float | None = None
    max: float | None = None

    @property
    def flag(self) -> str:
        """The name on the command line, without dashes in front: `train_size` is `train-size`."""
        return self.name.replace("_", "-").lower()

    def parse(self, value: Any) -> Any:
        """Turn a string (or a Python value) into the declared type; BadInputError names the option and its fault."""
        if value is None:
            if self.optional:
                return None
            raise BadInputError(f"--{self.flag} needs a value")
        if self.multiple:
            if isinstance(value, str):
                value = [part.strip() for part in value.split(",") if part.strip()]
            elif not isinstance(value, list | tuple):
                value = [value]
            if not value:
                raise BadInputError(f"--{self.flag} needs at least one value")
            return tuple(self._scalar(part) for part in value)
        return self._scalar(value)

    def _scalar(self, value: Any) -> Any:
        if self.choices:
            if value not in self.choices:
                raise BadInputError(f"--{self.flag} is {value!r}; choose one of {', '.join(self.choices)}")
            return value
        if self.type is bool:
            if isinstance(value, bool):
                return value
            raise BadInputError(f"--{self.flag} is a switch, not {value!r}")
        try:
            if self.type is int and (isinstance(value, bool) or (isinstance(value, float) and value != int(value))):
                raise ValueError
            parsed = self.type(value)
        except (TypeError, ValueError, OverflowError):
            kind = {int: "a whole number", float: "a number", str: "text"}[self.type]
            raise BadInputError(f"--{self.flag} needs {kind}, not {value!r}") from None
        if self.type is float and not math.isfinite(parsed):
            raise BadInputError(f"--{self.flag} must be finite, not {value!r}")
        if self.min is not None and parsed < self.min:
            raise BadInputError(f"--{self.flag} is {parsed}; it must be at least {self.min}")
        if self.max is not None and parsed > self.max:
            raise BadInputError(f"--{self.flag} is {parsed}; it must be at most {self.max}")
        return parsed


def declared(options: type[Options]) -> tuple[Declared, ...]:
    """The options that a class declares, in order; TypeError for an annotation that no option can have."""
    hints = get_type_hints(options)
    return tuple(_declare(f, hints[f.name]) for f in dataclasses.fields(options))


def _declare(f: dataclasses.Field[Any], hint: Any) -> Declared:
    optional = multiple = False
    if get_origin(hint) in (Union, types.UnionType):
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        optional = len(rest) < len(get_args(hint))
        hint = rest[0] if len(rest) == 1 else hint
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        multiple, hint = True, get_args(hint)[0]
    choices: tuple[str, ...] = ()
    if get_origin(hint) is Literal:
        choices, hint = tuple(get_args(hint)), str
    if hint not in SCALARS or "help" not in f.metadata:
        raise TypeError(f"option {f.name!r}: declare it with option(default, help) and a scalar type, not {hint!r}")
    if f.default is dataclasses.MISSING:
        raise TypeError(f"option {f.name!r} needs a default")
    return Declared(
        f.name, hint, f.default, f.metadata["help"], choices, multiple, optional, f.metadata["min"], f.metadata["max"]
    )


def parse_options(options: type[OptionsT], values: dict[str, Any]) -> OptionsT:
    """Build the options from strings or Python values; unknown names and bad values are one-line errors."""
    known = {d.name: d for d in declared(options)}
    if unknown := sorted(set(values) - set(known)):
        raise UsageError(f"unknown option {unknown[0]!r}; there are: {', '.join(known) or 'none'}")
    return options(**{name: known[name].parse(value) for name, value in values.items()})
