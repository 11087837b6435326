from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.report import Report, Table
from gan_probe.report.text import display_width, format_table, shorten, visible

ANYTHING = st.text(st.characters())  # surrogates included


def test_a_table_is_aligned_with_its_numbers_flush_right() -> None:
    table = Table(
        "accuracy",
        [
            {"features": "all layers", "accuracy": 0.61425, "C": 1e-4},
            {"features": "pixels", "accuracy": None, "C": 10.0},
        ],
        title="Accuracy",
        formats={"accuracy": ".1%"},
    )
    assert format_table(table).splitlines() == [
        "Accuracy",
        "features    accuracy       C",
        "────────────────────────────",
        "all layers     61.4%  0.0001",
        "pixels             \N{EN DASH}      10",
    ]


def test_a_table_without_rows_says_so() -> None:
    assert format_table(Table("empty", [])) == "empty\n(no rows)"


def test_text_columns_give_way_where_the_terminal_is_narrow() -> None:
    rows = [{"name": "discriminator, trained", "value": 1.5}, {"name": "discriminator, random", "value": 22.25}]
    lines = format_table(Table("t", rows, caption="said " * 30), width=24).splitlines()
    assert max(map(display_width, lines)) <= 24
    assert len({line.split()[0] for line in lines[3:5]}) == 2  # still told apart
    assert "22.25" in lines[4]


def test_wide_characters_keep_the_columns_straight() -> None:
    lines = format_table(Table("t", [{"a": "中文", "b": 1}, {"a": "ab", "b": 2}])).splitlines()
    assert len({display_width(line) for line in lines[1:]}) == 1


@given(ANYTHING, ANYTHING, st.integers(10, 100))
def test_no_cell_can_move_the_cursor_or_the_reading_direction(name: str, cell: str, width: int) -> None:
    text = format_table(Table("t", [{name or "a": cell}], title=name, caption=cell), width)
    rest = text.replace("\n", "").replace("\u200c", "").replace("\u200d", "")
    assert not {unicodedata.category(c) for c in rest} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    text.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\u202eb", r"a\u202eb"),
        ("\udc80", r"\udc80"),
        ("\U000e0001", r"\U000e0001"),
        ("é中", "é中"),
    ],
)
def test_hidden_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANYTHING, st.integers(1, 20))
def test_short_means_short(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


def test_a_report_that_is_printed_tells_what_came_out_and_what_there_is():
    tables = [Table("accuracy", [{"n": i} for i in range(1000)]), Table("layers", [])]
    report = Report(tables=tables, findings=["69.8 %."], notes=["A note."], name="linear-probe", title="Linear probe")
    assert str(report) == "Linear probe\n69.8 %.\ntables: accuracy, layers"
    assert str(Report(name="x", status="failed", error="no data")) == "x\nfailed: no data"
