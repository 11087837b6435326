"""The turn vector where the truth is known: a straight axis turns every latent, a generator that is deaf turns none."""

import json

import numpy as np
import pytest

import gan_probe
from gan_probe import UsageError


def run(gan, **options):
    return gan_probe.run(gan, "turn-vector", **({"judge": "upper", "candidates": 800, "latents": 60} | options))


def along(report):
    return {row["along"]: row for row in report.table("steadiness").rows}


@pytest.fixture
def marks(tmp_path):
    def write(**concepts):
        path = tmp_path / "concepts.json"
        path.write_text(json.dumps({"checkpoint": "b" * 64, "seed": 0, "concepts": concepts}))
        return str(path)

    return write


def test_on_a_straight_axis_the_response_is_monotone_and_along_random_directions_it_is_not(bars):
    report = run(bars())
    assert report.findings[0].startswith("Holds by the judge: from dark to light")
    responses = [row["response"] for row in report.table("response").rows]
    assert responses == sorted(responses)
    assert responses[0] < 0.15
    assert responses[-1] > 0.85
    assert along(report)["the axis"]["from"] > 0.85
    assert abs(along(report)["random directions"]["spearman"]) < 0.3
    assert report.table("difference").rows[0]["low"] > 0.2
    flat = [row["control"] for row in report.table("response").rows]
    assert max(flat) - min(flat) < 0.2
    measured = {measure.name: measure.value for measure in report.measures}
    axis = along(report)["the axis"]
    assert measured == pytest.approx({"monotone": axis["monotone"], "spearman": axis["spearman"]})


def test_the_ends_can_be_turned_round(bars):
    responses = [row["response"] for row in run(bars(), ends="light,dark").table("response").rows]
    assert responses == sorted(responses)


def test_where_the_axis_means_nothing_nothing_is_shown_and_it_says_so(bars):
    report = run(bars(bars.tangled))
    assert report.findings[0].startswith("Not shown by the judge: ")
    more = report.table("difference").rows[0]["difference"]
    assert f" along random directions as long ({100 * more:+.0f} points, " in report.findings[0]


def test_the_original_stands_in_the_middle_of_both_figures(bars):
    report = run(bars())
    turning, control = (figure.content for figure in report.figures[:2])
    assert turning.shape == control.shape == (5 * 18 + 2, 11 * 18 + 2, 3)
    middle = slice(2 + 5 * 18, 2 + 6 * 18)
    np.testing.assert_array_equal(turning[:, middle], control[:, middle])
    assert not np.array_equal(turning, control)
    assert report.artifacts[0].name == "turning.webp"
    assert report.artifacts[0].content[8:12] == b"WEBP"


def test_batch_size_has_no_influence(bars):
    few, many = (run(bars(), batch_size=b) for b in (7, 128))
    for table in ("response", "steadiness"):
        assert few.table(table).rows == many.table(table).rows


def test_marked_groups_turn_too_and_are_judged_where_the_judge_knows_them(bars, marks):
    gan = bars()
    path = marks(dark=[0, 1, 2, 3], light=[5, 6, 7])
    report = run(gan, concepts=path)
    assert along(report)["the axis"]["latents"] == 60
    assert any("one axis" in note for note in report.notes)
    report = run(gan, concepts=path, judge=None)
    assert [figure.name for figure in report.figures] == ["turning", "control", "exemplars"]
    assert [table.name for table in report.tables] == ["exemplars"]
    report = run(gan, concepts=marks(night=[1], day=[2, 3]))
    assert any("not night and day: it was not asked" in note for note in report.notes)


def test_what_cannot_be_done_is_said_in_one_line(bars, conditional, marks, refused):
    with pytest.raises(UsageError, match="--judge"):
        gan_probe.run(bars(), "turn-vector")
    with pytest.raises(UsageError, match="odd"):
        run(bars(), steps=4)
    with pytest.raises(UsageError, match="two different"):
        run(bars(), ends="dark,dark")
    assert "label" in refused(run, conditional)
    assert "more --candidates" in refused(run, bars(bars.deaf))
    assert "no class of the judge" in refused(run, bars(), ends="dark,pale")
    assert "needs two" in refused(run, bars(), concepts=marks(dark=[1]))
    assert "no exemplars" in refused(run, bars(), concepts=marks(dark=[], light=[2]))
