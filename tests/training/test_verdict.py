from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.report.check import check_report
from gan_probe.report.model import Report
from gan_probe.training.history import Row
from gan_probe.training.monitor import Look
from gan_probe.training.signals import Reference
from gan_probe.training.verdict import PATIENCE, Verdict, judge, swings

REFERENCE = Reference(np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32), np.random.default_rng(0))
LINE = REFERENCE.collapsed["kinds"]
NOISE = (REFERENCE.band["kinds"][1] - REFERENCE.band["kinds"][0]) / 2
EVERY = 100


def row(step: int, accuracy: float = 0.8, fake: float = 0.3) -> Row:
    return Row(1, step, 1.0, 1.0, 0.7, fake, accuracy, 1.0, 1.0, 100.0)


def look(step: int, kinds: float, duplicates: float = 0.0) -> Look:
    return Look(step, {"diversity": 0.8, "kinds": kinds, "duplicates": duplicates})


def of_kinds(*kinds: float) -> Verdict:
    """The verdict on looks every 100 steps, at samples of so many kinds."""
    looks = [look(EVERY * i, k) for i, k in enumerate(kinds)]
    return judge([row(max(EVERY * (len(kinds) - 1), 1))], looks, REFERENCE)


def of_rows(*pairs: tuple[float, float], repeat: int = 1) -> Verdict:
    """The verdict on rows every 100 steps of D's accuracy and its probability for generated images."""
    values = [pair for pair in pairs for _ in range(repeat)]
    return judge([row(EVERY * (i + 1), *pair) for i, pair in enumerate(values)], [], None)


def test_samples_that_come_to_vary_and_stay_so_are_steady() -> None:
    verdict = of_kinds(0.05, 0.1, 0.4, 0.7, 0.8, 0.75, 0.8)
    assert (verdict.kind, verdict.step, verdict.words) == ("steady", None, "steady")


def test_a_collapse_is_dated_to_the_first_look_that_saw_it() -> None:
    verdict = of_kinds(0.05, 0.7, 0.8, 0.8, 0.2, 0.1, 0.1)
    assert (verdict.kind, verdict.step) == ("collapsed", 400)
    assert verdict.words == "collapsed at step 400"


def test_many_duplicates_are_a_collapse_though_the_kinds_are_all_there() -> None:
    looks = [look(0, 0.8), look(100, 0.8), look(200, 0.8, 0.95), look(300, 0.8, 0.95)]
    assert judge([row(300)], looks, REFERENCE).step == 200


def test_a_single_bad_look_is_no_collapse_nor_an_oscillation() -> None:
    assert of_kinds(0.1, 0.7, 0.8, 0.1, 0.8, 0.8).kind == "steady"
    assert of_kinds(0.1, 0.7, 0.8, 0.8, 0.8, 0.1).kind == "steady"
    assert of_kinds(0.1, 0.7, 0.1, 0.8, 0.1, 0.8, 0.1, 0.8).kind == "steady"


def test_collapses_that_pass_are_an_oscillation() -> None:
    verdict = of_kinds(0.1, 0.8, 0.1, 0.1, 0.8, 0.1, 0.1, 0.8)
    assert (verdict.kind, verdict.step) == ("oscillating", 200)
    assert "2 times" in verdict.words


def test_faltering_at_the_very_beginning_is_no_oscillation() -> None:
    faltering = [0.1, 0.8, 0.1, 0.1, 0.8, 0.1, 0.1, 0.8]
    assert of_kinds(*faltering, *[0.8] * 60).kind == "steady"
    assert of_kinds(*faltering, *[0.8] * 10).kind == "oscillating"  # it was no beginning then
    assert of_kinds(*[0.8] * 60, *faltering).kind == "oscillating"
    assert of_kinds(*faltering[:-1]).kind == "collapsed"


def test_one_collapse_that_passed_is_forgiven() -> None:
    assert of_kinds(0.1, 0.8, 0.1, 0.1, 0.8, 0.8).kind == "steady"


@given(st.lists(st.floats(LINE - 0.9 * NOISE, LINE + 0.9 * NOISE), min_size=2, max_size=40))
def test_noise_about_the_line_changes_nothing(kinds: list[float]) -> None:
    assert of_kinds(0.1, 0.8, *kinds).kind == "steady"


@given(st.lists(st.floats(LINE + 1.01 * NOISE, 2), min_size=1, max_size=40))
def test_varied_samples_are_never_called_collapsed(kinds: list[float]) -> None:
    assert of_kinds(0.05, *kinds).kind == "steady"


@given(st.lists(st.floats(0, 1), max_size=20), st.lists(st.floats(0, LINE - 1.01 * NOISE), min_size=2, max_size=20))
def test_a_collapse_at_the_end_is_never_missed(before: list[float], after: list[float]) -> None:
    verdict = of_kinds(*before, 1.0, *after)
    assert verdict.kind == "collapsed"
    assert verdict.step is not None
    assert verdict.step <= EVERY * (len(before) + 1)


def test_samples_that_never_vary_are_early_days_at_first_and_a_collapse_later() -> None:
    short, long = [0.05] * 5, [0.05] * (PATIENCE // EVERY + 2)
    assert of_kinds(*short).kind == "unformed"
    assert (of_kinds(*long).kind, of_kinds(*long).step) == ("collapsed", 0)
    assert of_kinds(*np.linspace(0.02, 0.9 * LINE, PATIENCE // EVERY + 2)).kind == "unformed"  # slow, but it comes


def test_a_discriminator_that_stays_right_and_sure_has_won() -> None:
    verdict = of_rows(*[(0.8, 0.3)] * 20, *[(1.0, 0.01)] * 5)
    assert (verdict.kind, verdict.step) == ("D has won", 2001)


@pytest.mark.parametrize(
    "end",
    [
        [(1.0, 0.01)] * 2,  # too short
        [(1.0, 0.01)] * 5 + [(0.9, 0.2)],  # it passed
        [(1.0, 0.2)] * 5,  # right, not sure
        [(0.97, 0.01)] * 5,  # sure, not always right
    ],
)
def test_it_has_not_where_its_lead_is_short_or_small(end: list[tuple[float, float]]) -> None:
    assert of_rows(*[(0.8, 0.3)] * 20, *end).kind == "steady"


def test_an_upper_hand_that_keeps_changing_is_an_oscillation() -> None:
    assert of_rows((0.99, 0.1), (0.5, 0.6), (0.98, 0.1), (0.55, 0.5), (0.97, 0.1)).kind == "oscillating"
    assert of_rows((0.99, 0.1), (0.5, 0.6), (0.98, 0.1), (0.8, 0.3)).kind != "oscillating"


@given(st.lists(st.floats(0.61, 0.94), max_size=50))
def test_neither_side_is_ahead_in_between(accuracies: list[float]) -> None:
    assert swings([row(i + 1, a) for i, a in enumerate(accuracies)]) == 0


def test_the_gravest_finding_stands_first_and_the_words_name_all() -> None:
    looks = [look(0, 0.8), look(100, 0.8), look(200, 0.1), look(300, 0.1)]
    rows = [row(100), *(row(step, 1.0, 0.0) for step in (200, 300, 400))]
    verdict = judge(rows, looks, REFERENCE)
    assert verdict.words == "collapsed at step 200; D has won since step 101"
    verdict = judge(rows, looks, REFERENCE, diverged=412)
    assert (verdict.kind, verdict.step) == ("diverged", 412)
    assert "collapsed at step 200" in verdict.words


def test_without_a_reference_the_words_say_what_was_not_judged() -> None:
    verdict = judge([row(PATIENCE)], [], None)
    assert verdict.kind == "steady"
    assert "too few images" in verdict.words


def test_a_few_steps_on_a_few_images_are_not_called_steady() -> None:
    verdict = judge([row(PATIENCE - 1)], [], None)
    assert (verdict.kind, verdict.step) == ("unformed", None)
    assert verdict.words == "too early to tell after 999 steps, and too few images to judge variety"


def test_an_empty_training_can_be_judged() -> None:
    assert judge([], [], None).kind == "unformed"


def test_the_evidence_is_a_table_under_the_words() -> None:
    verdict = of_kinds(0.05, 0.7, 0.8)
    table = verdict.table()
    assert table.title == "Verdict: steady"
    assert [r["sign"] for r in table.rows][1:4] == ["diversity", "kinds", "duplicates"]
    check_report(Report(tables=[table]))
    assert set(verdict.to_dict()) == {"kind", "step", "words"}


def test_each_line_of_the_evidence_stands_alone() -> None:
    lines = {r["sign"]: str(r["wrong if"]) for r in of_rows((0.8, 0.3)).evidence}
    for sign in ("told rightly by D", "D's probability for samples"):
        assert not lines[sign].endswith(":")
        assert "99% or more" in lines[sign]
        assert "0.05 or less" in lines[sign]


def test_every_sequence_of_looks_gets_a_verdict() -> None:
    for kinds in itertools.product((0.05, LINE, 0.9), repeat=5):
        assert of_kinds(*kinds).kind in ("steady", "collapsed", "unformed", "oscillating")


def full_of_twins(*duplicates: float, recall: float | None = 0.0, every: int = 2 * EVERY) -> Verdict:
    """The verdict on looks every 200 steps at samples of all kinds, so many of them twins; recall is measured once."""
    looks = [look(every * i, 0.9, share) for i, share in enumerate(duplicates)]
    if recall is not None:
        looks[1] = Look(every, looks[1].signals, recall=recall)
    return judge([row(every * (len(duplicates) - 1))], looks, REFERENCE)


def test_a_collapse_within_kinds_is_called_though_all_kinds_are_there() -> None:
    # a conditional training's looks: its kinds are forced, its samples of a class nearly alike
    verdict = full_of_twins(1.0, 0.1, 0.7, 0.65, 0.72, 0.55, 0.64)
    assert (verdict.kind, verdict.step) == ("collapsed", 400)
    assert verdict.words == "collapsed within its kinds since step 400: 64% of samples have a near twin, recall 0.00"
    assert "recall" in [r["sign"] for r in verdict.evidence]


def test_twins_alone_are_none_where_samples_reach_the_real_images() -> None:
    assert full_of_twins(1.0, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, recall=0.7).kind == "steady"


def test_a_low_recall_alone_is_none() -> None:
    assert full_of_twins(1.0, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1).kind == "steady"


def test_one_look_full_of_twins_is_no_collapse() -> None:
    assert full_of_twins(1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.7).kind == "steady"


def test_twins_that_become_fewer_and_those_of_early_days_are_too_early_to_tell() -> None:
    assert full_of_twins(0.85, 0.85, 0.85, 0.85, 0.85, 0.6, 0.4).kind == "unformed"
    verdict = full_of_twins(0.7, 0.7, 0.7, 0.7, 0.7, 0.7, every=PATIENCE // 10)
    assert verdict.kind == "unformed"
    assert "70% of samples have a near twin" in verdict.words


@given(st.lists(st.floats(0, 0.3), min_size=7, max_size=30))
def test_samples_with_few_twins_are_never_called_whatever_their_recall(duplicates: list[float]) -> None:
    assert full_of_twins(*duplicates).kind == "steady"


def test_without_measures_the_twins_decide() -> None:
    assert full_of_twins(1.0, *[0.7] * 6, recall=None).kind == "collapsed"


@pytest.mark.parametrize(("alike", "called"), [(10, True), (6, True), (0, False)])
def test_kinds_whose_samples_are_alike_are_told_from_whole_ones(alike: int, called: bool) -> None:
    rng = np.random.default_rng(1)
    centres = 20 * rng.normal(size=(10, 8))

    def points(n: int, alike: int) -> np.ndarray:
        kinds = np.arange(n) % 10
        scale = np.where(kinds < alike, 0.45, 1)[:, None]  # of what they differ by within their kind
        return (centres[kinds] + scale * rng.normal(size=(n, 8))).astype(np.float32)

    reference = Reference(points(600, 0), rng)
    looks = []
    for step in (0, 500, 1000, 1500):
        samples = points(300, alike)
        recall = reference.measures(samples).recall.value
        looks.append(Look(step, reference.signals(samples), recall=recall))
    verdict = judge([row(1500)], looks, reference)
    assert verdict.words.startswith("collapsed within its kinds") if called else verdict.kind == "steady"
