"""What the arithmetic's and the turning's rates come to, in a sentence."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from gan_probe.arithmetic import rises
from gan_probe.measures.intervals import wilson
from gan_probe_plugins.turn_vector import tables as turning
from gan_probe_plugins.vector_arithmetic import tables
from gan_probe_plugins.vector_arithmetic.rates import Scored
from gan_probe_plugins.vector_arithmetic.trial import AROUND, CONTROLS, MEAN, PIXELS, SCALED


def scored(n, mean, **controls):
    """An equation that succeeds in these shares of n draws: 0 by controls that are not named."""
    shares = dict.fromkeys(CONTROLS, 0.0) | {MEAN: mean} | controls
    shows = {name: {"face": np.arange(n) < round(share * n)} for name, share in shares.items()}
    looks = {name: {"one image": np.ones(n, bool)} for name in shares}
    return Scored(
        SimpleNamespace(equation="a - b + c", lengths={}), {"face": "smiling"}, shows, looks, np.ones(n), (9, 9, 9)
    )


@pytest.mark.parametrize(
    ("n", "mean", "control", "word"),
    [
        (200, 0.8, 0.2, "Holds"),
        (200, 0.2, 0.8, "Fails"),
        (200, 0.5, 0.5, "Not shown"),
        (20, 0.2, 0.8, "Undecided"),
        (20, 0.9, 0.1, "Holds"),
    ],
)
def test_arithmetic_fails_only_where_it_is_surely_behind_a_control(n, mean, control, word):
    said = tables.verdict(scored(n, mean, **{CONTROLS[0]: control}))
    assert said.startswith(f"{word}: a - b + c gives smiling in {mean:.0%} (")
    how = {"Holds": "above", "Not shown": "not told apart from"}.get(word, "below")
    assert f"{how} {CONTROLS[0]} ({control:.0%})" in said


def test_of_several_sums_the_first_finding_says_how_many_hold():
    good, bad = scored(200, 0.8), scored(200, 0.5, **{CONTROLS[0]: 0.5})
    assert tables.overall([good]) == []
    assert tables.overall([good, bad])[0].startswith("1 of 2 sums holds: ")
    assert tables.overall([good, bad, good])[0].startswith("2 of 3 sums hold: ")
    assert SCALED not in tables.overall([good, bad])[0]


def overlaid(s):
    """The same, where no sum of pixels is plausible."""
    return dataclasses.replace(s, looks={**s.looks, PIXELS: {"one image": np.zeros(len(s.around), bool)}})


def test_it_is_said_what_pixels_show_and_how_many_sums_hold_by_what_is_shown():
    good, ahead = scored(200, 0.8), overlaid(scored(200, 0.8, **{PIXELS: 0.85}))
    assert f"{PIXELS} (0%; shown in 85%)" in tables.verdict(ahead)
    assert f"{PIXELS} (0%; shown in 0%)" in tables.verdict(good)
    (said,) = tables.overall([good, ahead])
    assert said.startswith("2 of 2 sums hold: ")
    assert said.endswith(
        " By what they show, plausible or not, 1 of 2 holds; the classifier of overlays was trained on such sums of "
        "pixels."
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_neighbours_that_all_agree_leave_a_doubt(share):
    s = scored(50, 0.8)
    s = dataclasses.replace(s, around=np.full(50, share))
    row = next(row for row in tables.success([s], 3).rows if row["method"] == AROUND)
    assert row["success"] == share
    assert row["high"] - row["low"] == pytest.approx(np.diff(wilson(int(50 * share), 50))[0])
    assert row["interval"] == "Wilson"
    mixed = dataclasses.replace(s, around=np.arange(50) % 3 / 2)
    row = next(row for row in tables.success([mixed], 3).rows if row["method"] == AROUND)
    assert row["interval"] == "Student's t"


def test_a_control_of_ours_decides_nothing():
    assert tables.verdict(scored(200, 0.5, **{SCALED: 0.9})).startswith("Holds: ")


def turned(n, own, control, falls=False):
    """Responses of n latents: shares `own` and `control` of them rise, the rest fall as far (or a tenth)."""

    def responses(share):
        up = np.arange(n) < round(share * n)
        down = np.linspace(0.5, 0.1 if falls else 0.4, 5)
        return np.where(up[:, None], np.linspace(0.3, 0.8, 5), down)

    axes = SimpleNamespace(ends=("left", "right"))
    return SimpleNamespace(
        axes=axes, positions=np.linspace(-1, 1, 5), responses=responses(own), control=responses(control)
    )


def test_a_mean_that_dips_by_less_than_a_judge_trembles_holds():
    found = turned(100, 0.9, 0.2)
    found.responses[:, -1] = found.responses[:, -2] - 0.02
    rng = np.random.default_rng(0)
    response = turning.response(found, rng)
    means = [row["response"] for row in response.rows]
    assert means[-2] - turning.SLACK < means[-1] < means[-2]
    assert turning.verdict(response, turning.steadiness(found, rng), found).startswith("Holds by the judge: ")


@pytest.mark.parametrize(
    ("n", "own", "control", "falls", "word"),
    [
        (100, 0.8, 0.2, False, "Holds"),
        (100, 0.4, 0.05, True, "Not shown"),  # oftener than by chance, but the mean falls: of that there is no interval
        (100, 0.5, 0.9, False, "Fails"),
        (100, 0.5, 0.5, False, "Not shown"),
        (20, 0.2, 0.9, False, "Undecided"),
    ],
)
def test_turning_fails_only_where_the_interval_says_the_contrary(n, own, control, falls, word):
    found = turned(n, own, control, falls)
    assert rises(found.responses, turning.SLACK).mean() == own
    rng = np.random.default_rng(0)
    said = turning.verdict(turning.response(found, rng), turning.steadiness(found, rng), found)
    assert said.startswith(f"{word} by the judge: from left to right ")
    assert f"{own:.0%} of {n} latents turn monotonely, {control:.0%} along random directions" in said
