"""One declaration serves Python, the command line and the report."""

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe import BadInputError, Options, UsageError, option
from gan_probe.options import declared, parse_options


@dataclass(frozen=True)
class Sample(Options):
    count: int = option(4, "how many", min=1, max=100)
    rate: float | None = option(None, "how fast")
    names: tuple[str, ...] = option(("a",), "which")
    kind: Literal["x", "y"] = option("x", "what kind")
    loud: bool = option(False, "whether")


def test_defaults_need_nothing_said():
    assert parse_options(Sample, {}) == Sample()


def test_strings_become_the_declared_types():
    parsed = parse_options(Sample, {"count": "7", "rate": "0.5", "names": "b, c", "kind": "y", "loud": True})
    assert parsed == Sample(7, 0.5, ("b", "c"), "y", True)


@given(st.integers(1, 100), st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_prints_is_read_back(count, rate):
    parsed = parse_options(Sample, {"count": str(count), "rate": repr(rate)})
    assert (parsed.count, parsed.rate) == (count, rate)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": "many"}, "--count needs a whole number"),
        ({"count": 2.5}, "--count needs a whole number"),
        ({"count": True}, "--count needs a whole number"),
        ({"count": 0}, "at least 1"),
        ({"count": 101}, "at most 100"),
        ({"rate": "nan"}, "must be finite"),
        ({"rate": "inf"}, "must be finite"),
        ({"names": " , "}, "at least one value"),
        ({"kind": "z"}, "choose one of x, y"),
        ({"loud": "yes"}, "is a switch"),
        ({"count": None}, "needs a value"),
        ({"count": "9" * 5000}, "--count"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_option(values, words):
    with pytest.raises(BadInputError, match=words) as caught:
        parse_options(Sample, values)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_lists_the_known():
    with pytest.raises(UsageError, match="count, rate, names, kind, loud"):
        parse_options(Sample, {"cuont": 1})


def test_a_declaration_without_help_or_with_a_strange_type_is_the_authors_error():
    @dataclass(frozen=True)
    class Strange(Options):
        table: bytes = option(b"", "raw bytes")

    @dataclass(frozen=True)
    class Silent(Options):
        count: int = 3

    for wrong in (Strange, Silent):
        with pytest.raises(TypeError, match="option"):
            declared(wrong)
