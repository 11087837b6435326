"""Paths: interpolation against trigonometry, and leaps planted in smooth curves."""

import numpy as np
import pytest
import torch
from scipy.stats import poisson

from gan_probe.measures import paths
from gan_probe.measures.paths import Places, distances, half_share, interpolate, refine, smoothness, steps_of

LEGS, STEPS, HALVINGS = 8, 24, 4


def angle(a, b):
    return torch.arccos(((a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))).clamp(-1, 1))


def test_straight_paths_are_weighted_means():
    a, b = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([[4.0, 0.0], [1.0, 3.0]])
    found = interpolate(a, b, torch.tensor([0.25, 0.5]), spherical=False)
    assert torch.allclose(found, torch.tensor([[1.0, 1.5], [1.0, 2.0]]))


def test_great_circles_turn_evenly_and_keep_the_length():
    rng = torch.Generator().manual_seed(0)
    a, b = torch.randn(5, 40, generator=rng, dtype=torch.float64), torch.randn(5, 40, generator=rng).double() * 2
    for t in (0.0, 0.3, 1.0):
        found = interpolate(a, b, torch.full((5,), t, dtype=torch.float64), spherical=True)
        assert torch.allclose(found.norm(dim=1), (1 - t) * a.norm(dim=1) + t * b.norm(dim=1))
        assert torch.allclose(angle(a, found), t * angle(a, b), atol=1e-6)


def test_latents_without_a_great_circle_of_their_own_are_joined_by_a_line():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    b = torch.tensor([[-1.0, 0.0], [2.0, 0.0], [1.0, 1.0]])
    found = interpolate(a, b, torch.tensor([0.25, 0.25, 0.5]), spherical=True)
    assert torch.allclose(found, torch.tensor([[0.5, 0.0], [1.25, 0.0], [0.5, 0.5]]))


def test_distances_are_root_mean_squares_whatever_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 3, 4)).astype(np.float32)
    expected = [np.sqrt(((x.astype(float) - y) ** 2).mean()) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(distances(a, b), expected, rtol=1e-6)
    monkeypatch.setattr(paths, "BLOCK", 20)  # one row at a time
    np.testing.assert_allclose(distances(a, b), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("steps", "share"),
    [
        ([2.0] * 10, 0.5),
        ([0.0] * 9 + [3.0], 0.05),  # one leap in ten steps: half of it is in half a step
        ([1.0, 1.0, 1.0, 1.0, 4.0], 0.2),
        ([8.0, 1.0, 1.0, 2.0], 6 / 8 / 4),
    ],
)
def test_half_of_the_change_takes_the_share_that_the_largest_steps_take(steps, share):
    assert half_share(np.array(steps)) == pytest.approx(share)
    assert half_share(np.array(steps)[::-1] * 7) == pytest.approx(share)


def test_a_leg_that_stands_still_has_no_half():
    assert np.isnan(half_share(np.zeros(5)))


def curve(leaps=()):
    """A smooth curve in 20 dimensions, its legs alike, to which leaps `(leg, at, size)` are added."""
    rng = np.random.default_rng(0)
    swing, way = rng.normal(size=(2, 20))

    def draw(leg, at):
        points = at[:, None] * way + 0.05 * np.sin(9 * at)[:, None] * swing
        for where, place, size in leaps:
            points = points + size * ((leg == where) & (at > place))[:, None]
        return points

    return draw


def looked_into(draw):
    leg, at = np.repeat(np.arange(LEGS), STEPS + 1), np.tile(np.arange(STEPS + 1) / STEPS, LEGS)
    frames = draw(leg, at).reshape(LEGS, STEPS + 1, -1)
    steps = steps_of(frames)
    return steps, refine(draw, frames, steps, HALVINGS)


def test_halving_the_steps_of_a_smooth_curve_halves_their_change():
    steps, places = looked_into(curve())
    assert sorted(set(places.leg)) == list(range(LEGS))
    np.testing.assert_allclose(places.kept, 0.5**HALVINGS, rtol=0.1)
    np.testing.assert_allclose(places.change, steps[places.leg, places.step])
    assert places.speed.max() < 2
    assert not places.sharp.any()


def test_a_leap_is_found_where_it_was_planted_and_is_not_halved():
    _, places = looked_into(curve([(2, 0.3, 5.0), (2, 0.7, 5.0), (6, 0.11, 5.0)]))
    found = [(leg, at) for leg, at, sharp in zip(places.leg, places.at, places.sharp, strict=True) if sharp]
    assert [leg for leg, _ in found] == [2, 2, 6]
    np.testing.assert_allclose([at for _, at in found], [0.3, 0.7, 0.11], atol=0.5 / STEPS / 2**HALVINGS)
    assert (places.kept[places.sharp] > 0.9).all()
    np.testing.assert_allclose(places.kept[~places.sharp], 0.5**HALVINGS, rtol=0.1)


@pytest.mark.parametrize(("legs", "leaps", "isolated"), [(0, False, False), (1, False, True), (4, True, False)])
def test_leaps_in_many_legs_are_told_from_few_and_none(legs, leaps, isolated):
    steps, places = looked_into(curve([(leg, 0.4, 5.0) for leg in range(legs)]))
    found = smoothness(steps, places, np.random.default_rng(0))
    assert (found.leaps, found.isolated) == (leaps, isolated)
    assert found.sharp.value == legs / LEGS
    assert found.half.low <= found.half.value <= found.half.high
    assert found.sharp.low <= found.sharp.value < found.sharp.high
    if not legs:  # of a mean of 3.69, a Poisson number is zero in 2.5 % of all cases
        assert poisson.pmf(0, found.sharp.high * LEGS) == pytest.approx(0.025)


def test_a_curve_that_stands_and_hurries_is_no_smooth_one_though_it_never_leaps():
    def hurrying(width):
        return looked_into(lambda _, at: np.tanh((at - 0.52) / width)[:, None] * np.ones(3))

    for width, leaps in ((0.03, True), (0.3, False)):
        steps, places = hurrying(width)
        assert smoothness(steps, places, np.random.default_rng(0)).leaps == leaps


def smooth(steps):
    """The smoothness of steps (L, K) none of which was found to be sharp."""
    none = np.empty(0, int)
    return smoothness(steps, Places(none, none, *[np.empty(0)] * 4), np.random.default_rng(0))


@pytest.mark.parametrize("legs", [2, 8])
def test_half_of_the_change_of_few_legs_is_told_as_surely_as_it_says(legs):
    rng = np.random.default_rng(0)
    steps = rng.gamma(2.0, size=(400, legs, STEPS))
    truth = np.mean([half_share(leg) for leg in steps.reshape(-1, STEPS)])
    halves = [smooth(walk).half for walk in steps]
    assert 0.92 <= np.mean([half.low <= truth <= half.high for half in halves]) <= 0.985
    assert halves[0].method == "Student's t over legs"


def test_one_leg_that_moves_says_nothing_of_others():
    steps = np.zeros((3, STEPS))
    steps[1] = 1
    assert smooth(steps).half is None
    steps[2] = 1
    assert smooth(steps).half.value == pytest.approx(0.5)


def test_a_curve_on_which_nothing_happens_has_neither_half_nor_leaps():
    steps, places = looked_into(lambda leg, _: np.zeros((len(leg), 3)))
    found = smoothness(steps, places, np.random.default_rng(0))
    assert found.half is None
    assert not found.leaps
    assert not found.isolated
