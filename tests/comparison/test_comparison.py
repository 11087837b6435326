"""Comparisons as reports: what is held against what, what cannot be, and what the reader is told."""

import numpy as np
import pytest

from gan_probe.comparison import Contender, comparison
from gan_probe.report import Figure, Measure, Report, Table
from gan_probe.report.check import check_report


def report(shift=0.0, title="Height", units="u", **more):
    values = np.random.default_rng(0).normal(shift, 1, 200)
    return Report(measures=[Measure("height", values, title, "tree", units, better="higher", format=".2f")], **more)


def compared(*contenders):
    found = comparison(contenders, {"forest": "Forest"})
    return [check_report(one) for one in found]  # what it gives can be written


def rows(*contenders):
    return compared(*contenders)[1].table("height").rows


def test_each_is_held_against_the_first_and_what_was_planted_is_found():
    first, same, better, worse = rows(
        *(Contender(name, {"forest": report(shift)}) for name, shift in zip("abcd", (0, 0, 0.5, -0.5), strict=True))
    )
    assert first["difference"] is None
    assert "against" not in first  # the caption says it
    assert [row["marked"] for row in (same, better, worse)] == ["no", "better", "worse"]
    assert better["difference"] == pytest.approx(0.5)


def test_snapshots_are_held_against_the_one_before():
    found = rows(*(Contender(f"e{i}", {"forest": report(0.5 * i)}, float(i)) for i in (1, 2, 3)))
    assert [row["difference"] for row in found[1:]] == pytest.approx([0.5, 0.5])


def test_p_values_are_corrected_over_all_measures_and_analyses():
    rng = np.random.default_rng(3)
    first, second = (
        {
            name: Report(measures=[Measure(f"m{k}", rng.normal(0.15 * i, 1, 150), units="u") for k in range(3)])
            for name in ("one", "two")
        }
        for i in (0, 1)
    )
    found = comparison([Contender("a", first), Contender("b", second)], {"one": "One", "two": "Two"})
    cells = [t.rows[1] for r in found[1:] for t in r.tables]
    smallest = min(cells, key=lambda row: row["p"])
    assert len(cells) == 6
    assert smallest["Holm p"] == pytest.approx(6 * smallest["p"])


def test_what_failed_or_was_refused_is_a_row_that_says_so():
    found = compared(
        Contender("a", {"forest": report()}),
        Contender("b", {"forest": Report(status="refused", error="needs a discriminator")}),
        Contender("c", error="c.pt is damaged"),
        Contender("d", {"forest": report(0.5)}),
    )
    table = found[1].table("height").rows
    assert [row["marked"] for row in table] == [None, "refused", "failed", "better"]
    assert [row["value"] is None for row in table] == [False, True, True, False]
    said = " ".join(found[0].notes + found[1].notes)
    assert "needs a discriminator" in said
    assert "c.pt is damaged" in said
    assert found[0].table("checkpoints").rows[1]["analyses"] == "forest refused"


def test_a_first_checkpoint_that_failed_leaves_the_next_to_be_held_against():
    found = rows(Contender("a", error="x"), *(Contender(n, {"forest": report()}) for n in "bc"))
    assert [row["marked"] for row in found] == ["failed", None, "no"]
    assert found[2]["difference"] == 0


def test_numbers_of_different_things_are_not_subtracted():
    found = rows(Contender("a", {"forest": report()}), Contender("b", {"forest": report(title="Girth")}))
    assert found[1]["marked"] == "not comparable: Girth"
    assert found[1]["value"] is not None
    assert found[1]["difference"] is None


def test_values_that_are_zero_by_chance_make_no_share_of_a_number():
    zeros, twos = (Report(measures=[Measure("m", np.full(40, v), "M", "x", "u")]) for v in (0.0, 2.0))
    contenders = [
        Contender("a", {"forest": zeros}),
        Contender("b", {"forest": zeros}),
        Contender("c", {"forest": twos}),
    ]
    _, found = compared(*contenders)
    assert [row["to"] for row in found.table("m").rows] == [None, 0, 2]
    assert "Bonett" not in found.table("m").caption


def test_other_units_are_compared_unpaired_and_the_caption_says_so():
    found = compared(Contender("a", {"forest": report()}), Contender("b", {"forest": report(units="v")}))
    assert "unpaired" in found[1].table("height").caption


def test_an_analysis_without_measures_shows_its_tables_beside_each_other():
    reports = [Report(tables=[Table("t", [{"x": i}], "X")]) for i in (1, 2)]
    _, found = compared(*(Contender(n, {"forest": r}) for n, r in zip("ab", reports, strict=True)))
    assert [dict(row) for row in found.table("t").rows] == [{"checkpoint": "a", "x": 1}, {"checkpoint": "b", "x": 2}]
    assert "no measures" in found.notes[0]


def test_pictures_of_one_name_stand_beside_each_other():
    pictures = [Report(figures=[Figure("grid", np.full((8, 8, 3), i, np.uint8), "Grid")]) for i in (50, 200)]
    _, found = compared(*(Contender(n, {"forest": r}) for n, r in zip("ab", pictures, strict=True)))
    (figure,) = found.figures
    assert figure.name == "grid-side-by-side"
    assert "a, b" in figure.caption


def test_a_curve_is_drawn_over_the_time_of_the_training_and_names_what_has_none():
    series = [Contender(f"epoch-{i}", {"forest": report(i)}, float(i)) for i in (1, 10, 100)]
    _, found = compared(*series, Contender("final", {"forest": report(100)}))
    (figure,) = found.figures
    axes = figure.content.axes[0]
    assert axes.get_xscale() == "log"
    assert list(axes.lines[0].get_xdata()) == [1, 10, 100]
    assert axes.get_xlabel() == "epochs"
    assert "final" in figure.caption


def test_the_same_seed_gives_the_same_comparison():
    pair = [Contender(n, {"forest": report(s)}) for n, s in (("a", 0), ("b", 0.1))]
    first, again = (comparison(pair, {"forest": "Forest"}, seed=4)[1].table("height").rows for _ in range(2))
    assert first == again
