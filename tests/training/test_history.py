import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.report.check import check_report
from gan_probe.report.drawing import png
from gan_probe.report.model import Report
from gan_probe.training.history import History, Row, condense


def rows(n: int) -> list[Row]:
    return [Row(i // 3 + 1, i + 1, 1.0 + i, 2.0 * i, 0.75, 0.25, 0.9, 3.0, 2.0, 100.0) for i in range(n)]


def test_the_loss_table_holds_every_row() -> None:
    table = History(rows(50)).loss_table()
    assert len(table.rows) == 50
    assert table.columns == tuple(field.name for field in dataclasses.fields(Row))


@given(st.integers(1, 200), st.integers(1, 40))
def test_a_condensed_table_averages_all_rows_and_ends_at_the_last_step(n: int, at_most: int) -> None:
    short = condense(rows(n), at_most)
    assert len(short) == min(n, at_most)
    assert short[-1].step == n
    steps = [0, *(row.step for row in short)]
    lengths = [b - a for a, b in itertools.pairwise(steps)]
    assert max(lengths) - min(lengths) <= 1
    total = sum(length * row.d_loss for length, row in zip(lengths, short, strict=True))
    assert total == pytest.approx(sum(row.d_loss for row in rows(n)))


def test_an_empty_history_gives_an_empty_table() -> None:
    assert History().loss_table(at_most=5).rows == []


def test_the_loss_figure_can_be_drawn_and_says_in_words_how_it_ends() -> None:
    figure = History([*rows(5), dataclasses.replace(rows(1)[0], step=6, d_loss=0.123)]).loss_figure()
    assert png(figure).startswith(b"\x89PNG")
    assert "0.12" in figure.alt
    check_report(Report(tables=[History(rows(2)).loss_table()], figures=[figure]))
