from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.report import Table
from gan_probe.report.csv import to_csv
from gan_probe.report.text import visible


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_values_are_full_and_none_is_empty() -> None:
    row = {"f": 1 / 3, "i": -5, "b": True, "n": None, "t": 'say "a, b"', "x": math.nan}
    text = to_csv(Table("t", [row], formats={"f": ".1f"}))
    assert text == 'f,i,b,n,t,x\r\n0.3333333333333333,-5,true,,"say ""a, b""",nan\r\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    text = f'{start}HYPERLINK("x")'
    header, row = read(to_csv(Table("t", [{text: text}])))
    assert header == row == ["'" + visible(text)]


def test_negative_numbers_get_none() -> None:
    assert to_csv(Table("t", [{"a": -1.5}])) == "a\r\n-1.5\r\n"


@given(st.lists(st.tuples(st.text(st.characters()), st.floats(), st.integers()), max_size=4))
def test_any_table_reads_back_with_one_line_a_row(cells: list[tuple[str, float, int]]) -> None:
    text = to_csv(Table("t", [{"text": t, "float": f, "int": i} for t, f, i in cells]))
    text.encode()
    records = read(text)
    assert len(text.splitlines()) == len(records) == (len(cells) + 1)
    for (t, f, i), record in zip(cells, records[1:], strict=True):
        assert record[0].removeprefix("'") == visible(t).removeprefix("'")
        assert float(record[1]) == f or math.isnan(f)
        assert int(record[2]) == i
