"""Vector arithmetic where the truth is known: on straight axes it holds, on tangled ones it fails and says so."""

import json

import numpy as np
import pytest

import gan_probe
from gan_probe import BadInputError, UsageError

EQUATION = "light & dim - dark & dim + dark & lit"


def run(gan, **options):
    options = {"judges": "upper,lower", "equations": EQUATION, "candidates": 1500, "feature_space": "pixels"} | options
    return gan_probe.run(gan, "vector-arithmetic", **options)


def success(report):
    return {row["method"]: row for row in report.table("success").rows}


def shares(report, criterion):
    return {row["method"]: row["share"] for row in report.table("criteria").rows if row["criterion"] == criterion}


def differences(report, criterion):
    rows = report.table("differences").rows
    return {row["comparison"].removeprefix("minus "): row for row in rows if row["criterion"] == criterion}


def expected_share(k, seed=0, n=100_000):
    """How often the sum lies on the right side of both thresholds, where judges are sure from 0.2 on."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(SURE, 1, (2, 3, n, k)).mean(3)  # attribute, concept, draw
    upper = sure[0, 0] + sure[0, 1] - sure[0, 2]
    lower = -sure[1, 0] + sure[1, 1] + sure[1, 2]
    return ((upper > 0) & (lower > 0)).mean()


# 10 * 0.5 tanh(4 z) beyond which two opposite logits give 0.9
SURE = np.arctanh(np.log(9) / 2 / 5) / 4


@pytest.fixture
def hasty(monkeypatch):
    """What is about something else than plausibility need not wait until overlays are told from images."""
    monkeypatch.setattr("gan_probe_plugins.vector_arithmetic.looks.STEPS", 20)


@pytest.fixture(scope="module")
def report(bars, bars_data):
    return run(bars(), data=bars_data)


def test_what_is_compared_is_the_success_of_each_equation(report):
    assert [m.value for m in report.measures] == pytest.approx([r["success"] for r in report.table("equations").rows])
    assert "b" * 64 in report.measures[0].units  # another generator's exemplars are others


def test_on_straight_axes_it_succeeds_above_pixels_and_single_exemplars(report):
    assert report.findings[0].startswith(f"Holds: {EQUATION} gives light & lit")
    found = differences(report, "success")
    assert found["pixels of exemplars"]["low"] > 0.3
    assert found["one exemplar"]["low"] > 0
    assert found["random z"]["low"] > 0.3
    assert success(report)["third concept alone"]["success"] == 0


@pytest.mark.parametrize(("method", "k"), [("mean of exemplars", 3), ("one exemplar", 1)])
def test_what_is_shown_is_what_the_axes_say(report, method, k):
    n = success(report)[method]["draws"]
    share = expected_share(k)
    error = np.sqrt(share * (1 - share) / n)
    assert n > 50
    assert abs(shares(report, "shows all")[method] - share) < 4 * error + 0.01


def test_sums_of_pixels_show_the_attributes_and_look_like_no_image(report):
    assert shares(report, "shows all")["pixels of exemplars"] > 0.8
    assert shares(report, "plausible")["pixels of exemplars"] < 0.3
    assert shares(report, "plausible")["random z"] > 0.85


def test_sums_of_pixels_are_told_from_single_images_and_sums_of_latents_are_not(report):
    single = shares(report, "one image")
    assert single["pixels of exemplars"] < 0.1
    assert min(single["mean of exemplars"], single["random z"]) > 0.9
    judge = report.table("judges").rows[-1]
    assert judge["judge"] == "single image"
    assert judge["low"] > 0.95


def test_three_exemplars_keep_a_latents_length_and_one_does_not(report):
    lengths = {method: row["length"] for method, row in success(report).items()}
    assert lengths["random z"] == pytest.approx(1, abs=0.05)
    assert lengths["mean of exemplars"] < 1.15 < 1.5 < lengths["one exemplar"]
    assert lengths["one exemplar, rescaled"] == pytest.approx(1)
    assert lengths["pixels of exemplars"] is None


def test_on_tangled_axes_nothing_is_shown_and_it_says_so(bars, bars_data):
    report = run(bars(bars.tangled), data=bars_data)
    assert report.findings[0].startswith("Not shown: ")
    assert shares(report, "shows all")["mean of exemplars"] < 0.45


def test_without_data_the_samples_themselves_say_what_is_plausible(bars):
    report = run(bars())
    assert any("samples of the generator itself" in note for note in report.notes)
    assert shares(report, "plausible")["random z"] > 0.85


@pytest.mark.usefixtures("hasty")
def test_neither_batch_size_nor_another_equation_changes_a_number(bars, bars_data):
    one = run(bars(), data=bars_data, batch_size=50, candidates=300)
    two = run(bars(), data=bars_data, candidates=300, equations=f"{EQUATION}, light - dark + dark")
    assert list(one.table("success").rows) == list(two.table("success").rows)[: len(one.table("success").rows)]
    assert len(two.table("equations").rows) == 2


@pytest.mark.usefixtures("hasty")
def test_without_equations_each_judges_last_class_is_given_to_the_next(bars):
    rows = run(bars(), equations=None, candidates=300).table("equations").rows
    assert [row["equation"] for row in rows] == [EQUATION]
    assert [row["should show"] for row in rows] == ["light & lit"]
    (row,) = run(bars(), equations=None, judges="upper", candidates=300).table("equations").rows
    assert row["equation"] == "light - dark + dark"


def test_marked_exemplars_give_pictures_and_no_rate(bars, tmp_path):
    gan = bars()
    path = tmp_path / "concepts.json"
    concepts = {"sunny": [3, 1, 4], "night": [15, 9, 2, 6], "dawn": [5]}
    path.write_text(json.dumps({"checkpoint": gan.card.sha256, "seed": 0, "concepts": concepts}))
    report = gan_probe.run(gan, "vector-arithmetic", concepts=str(path), equations="sunny - night + dawn")
    assert [table.name for table in report.tables] == ["exemplars"]
    assert [row["n"] for row in report.tables[0].rows] == [3, 4, 1]
    assert [figure.name for figure in report.figures] == ["equation-1"]
    with pytest.raises(BadInputError, match="seed"):
        gan_probe.run(gan, "vector-arithmetic", concepts=str(path), equations="sunny - night + dawn", seed=1)
    with pytest.raises(BadInputError, match="no concept 'noon'"):
        gan_probe.run(gan, "vector-arithmetic", concepts=str(path), equations="sunny - night + noon")


@pytest.mark.usefixtures("hasty")
def test_an_equation_without_exemplars_does_not_lose_the_others(bars):
    never_lit = bars(lambda z: (z[:, 0], z[:, 1] - 2))
    report = run(never_lit, equations=f"{EQUATION}, light - dark + dark", candidates=300)
    assert [row["equation"] for row in report.table("equations").rows] == ["light - dark + dark"]
    assert any(note.startswith("Left out: too few samples") and "dark & lit" in note for note in report.notes)


def test_a_class_that_no_judge_knows_is_refused_before_any_judge_is_trained(bars, refused, monkeypatch):
    def trained(*_):
        pytest.fail("a judge was trained")

    monkeypatch.setattr("gan_probe_plugins.concepts.open_judge", trained)
    assert "no class of a judge" in refused(run, bars(), equations="pale - dark + dark")


@pytest.mark.usefixtures("hasty")
def test_what_cannot_be_done_is_said_in_one_line(bars, conditional, refused, tmp_path):
    with pytest.raises(UsageError, match="--judges"):
        gan_probe.run(bars(), "vector-arithmetic")
    with pytest.raises(UsageError, match="--equations"):
        gan_probe.run(bars(), "vector-arithmetic", concepts="c.json")
    assert "label" in refused(run, conditional)
    assert "two judges" in refused(run, bars(), judges="upper,upper")
    assert "more --candidates" in refused(run, bars(), candidates=20)
    assert "no class of a judge" in refused(run, bars(), equations="pale - dark + dark")
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"checkpoint": "b" * 64, "seed": 0, "concepts": {"a": [1], "b": [], "c": [2]}}))
    assert "no exemplars" in refused(
        gan_probe.run, bars(), "vector-arithmetic", concepts=str(path), equations="a - b + c"
    )
