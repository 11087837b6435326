"""Comparisons as reports: what is held against what, what cannot be, and what the reader is told."""

import numpy as np
import pytest

from gan_probe.analysis import Context
from gan_probe.comparison import Contender, comparison, headline
from gan_probe.comparison.rows import compared as of_rows
from gan_probe.report import Figure, Measure, Report, Table
from gan_probe.report.check import check_report

CARD = {"image_size": 8, "channels": 1, "z_size": 5, "z_distribution": "normal"}
CARD |= {"generator": [{"inputs": 5, "outputs": 1, "shape": [1, 8, 8]}]}
NOISE = np.random.default_rng(1).normal(0, 1, 200)


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
    corrected = [t.rows[1]["p (Holm)"] for r in found[1:] for t in r.tables]
    measured = of_rows([Contender("a", first), Contender("b", second)], ["one", "two"], Context(0).rng)
    plain = [one.rows[1].difference.p for one in measured]
    assert len(corrected) == 6
    assert min(corrected) == pytest.approx(6 * min(plain))


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


def test_what_was_refused_everywhere_has_no_tables_to_speak_of():
    refused = Report(status="refused", error="needs a data set")
    _, found = compared(*(Contender(n, {"forest": refused}) for n in "ab"))
    assert list(found.notes) == ["a refused: needs a data set", "b refused: needs a data set"]


def test_a_checkpoint_that_comes_twice_is_named():
    overview, _ = compared(
        *(Contender(n, {"forest": report()}, card=CARD | {"sha256": n[0] * 64}) for n in ("a", "b", "a2"))
    )
    assert [note for note in overview.notes if "same checkpoint" in note] == ["a and a2 are the same checkpoint."]


def test_the_methods_name_the_checkpoints_and_cite_what_was_done():
    own = report(methods="We measured trees [@tree1999].", references=["@misc{tree1999, title = {Trees}}"])
    other = report(0.5, methods="We measured 3 trees.")
    overview, analysis = compared(
        *(Contender(n, {"forest": r}, card=CARD | {"sha256": n * 64}) for n, r in (("a", own), ("b", other)))
    )
    for words in ("“a” (SHA-256 aaaaaaaaaaaa) and “b”", "Each has a generator from 5-dimensional normal latents"):
        assert words in overview.methods
    assert "bootstrap-t [@diciccio1996]" in overview.methods
    assert "McNemar" not in overview.methods  # nothing here is a share
    assert {entry.partition("{")[2].partition(",")[0] for entry in overview.references} == {"diciccio1996", "holm1979"}
    assert analysis.methods.startswith("We measured trees [@tree1999]. This is said of “a”")
    assert "tree1999" in analysis.references[0]


def test_numbers_show_as_many_decimals_as_their_intervals_need():
    close = [
        Report(measures=[Measure("m", 0.047 + shift + (1e-3 + shift) * NOISE, "M", "tree", "u", format=".3f")])
        for shift in (0, 4e-4)
    ]
    overview, found = compared(*(Contender(n, {"forest": r}) for n, r in zip("ab", close, strict=True)))
    table = found.table("m")
    shown = [table.text(c, table.rows[1][c]) for c in ("value", "low", "high", "difference")]
    assert len(set(shown)) == 4
    assert "by +0.00037" in overview.findings[1]


@pytest.mark.parametrize(
    ("shifts", "says"),
    [
        ((0, 0), ["The only difference is not significant"]),
        ((0, 0.5), ["The only difference is significant", "forest, Height: b better than a by +0.50 (95 %: "]),
        ((0, 0, 0), ["None of 2 differences is significant"]),
        ((0, 0.5, 0), ["1 of 2 differences is significant", "forest, Height: b better than a"]),
        ((0, 0.5, -0.5), ["2 of 2 differences are significant", "forest, Height: b better", "forest, Height: c worse"]),
    ],
)
def test_the_overview_counts_in_the_singular_and_the_plural(shifts, says):
    given = zip("abc", shifts, strict=False)
    overview, _ = compared(*(Contender(name, {"forest": report(shift)}) for name, shift in given))
    assert all(said.startswith(words) for said, words in zip(overview.findings, says, strict=True))
    assert all("; n = 200)." in said for said in overview.findings[1:])


def test_the_curves_ticks_differ():
    series = [
        Report(measures=[Measure("m", 0.047 + 1e-3 * i + 1e-3 * NOISE, "M", "tree", "u", format=".3f")]) for i in (1, 2)
    ]
    _, found = compared(*(Contender(f"epoch-{i}", {"forest": r}, float(i)) for i, r in enumerate(series)))
    axes = found.figures[0].content.axes[0]
    axes.figure.draw_without_rendering()
    ticks = [label.get_text() for label in axes.get_yticklabels()]
    assert len(ticks) > 3
    assert len(set(ticks)) == len(ticks)


def test_the_headline_names_the_training():
    series = [Contender(f"epoch-{i}", moment=float(i), training="a") for i in (1, 2, 3)]
    assert headline(series) == "Training a: 3 checkpoints, epoch-1 to epoch-3"
    assert headline(series[:2]) == "Training a: epoch-1 and epoch-2"
    assert headline([Contender("a"), Contender("b")]) == "a and b"


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
