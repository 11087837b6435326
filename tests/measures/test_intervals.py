"""Intervals against closed forms and their symmetries; how often they cover is in test_coverage.py."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t, ttest_1samp

from gan_probe import BadInputError
from gan_probe.measures.intervals import crossed_mean, paired_difference, paired_ratio, spread, t_mean, wilson


def test_wilson_equals_its_closed_form():
    k, n, z = 37, 50, 1.959963984540054
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * math.sqrt(k * (n - k) / n + z**2 / 4)
    assert wilson(k, n) == pytest.approx((centre - half, centre + half))


def test_wilson_stays_within_zero_and_one():
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)


def test_paired_difference_counts_discordant_items():
    first = np.array([True] * 60 + [False] * 40)
    second = np.array([True] * 50 + [False] * 50)
    difference, low, high = paired_difference(first, second)
    assert difference == pytest.approx(0.10)
    assert 0 < low < 0.10 < high


def test_paired_difference_changes_sign_when_the_two_are_exchanged():
    rng = np.random.default_rng(0)
    a, b = rng.random(200) < 0.8, rng.random(200) < 0.7
    d, low, high = paired_difference(a, b)
    assert paired_difference(b, a) == pytest.approx((-d, -high, -low))


def counted(both, first, second, neither):
    """Two (N,) bool, by how many items both hold, one of them alone, or neither."""
    groups = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * neither
    return np.array(groups).reshape(-1, 2).T


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((6, 26, 4, 12), (3.2, 1.766544, 5.796628)), ((6, 4, 26, 12), (0.3125, 0.1725141, 0.566077))],
)
def test_paired_ratio_gives_the_values_that_its_author_prints(counts, expected):
    assert paired_ratio(*counted(*counts)) == pytest.approx(expected, rel=1e-6)  # in the manual of R's statpsych


def test_paired_ratio_is_inverted_when_the_two_are_exchanged_and_items_of_neither_say_nothing():
    ratio, low, high = paired_ratio(*counted(40, 9, 3, 0))
    assert paired_ratio(*counted(40, 3, 9, 500)) == pytest.approx((1 / ratio, 1 / high, 1 / low))


@pytest.mark.parametrize(("counts", "ratio"), [((0, 0, 20, 5), 0.0), ((20, 0, 0, 5), 1.0), ((1, 0, 0, 0), 1.0)])
def test_paired_ratio_has_a_width_where_none_are_left_and_where_nothing_changes(counts, ratio):
    found, low, high = paired_ratio(*counted(*counts))
    assert found == ratio
    assert 0 <= low <= ratio < high < np.inf
    assert low < ratio or ratio == 0


def test_a_ratio_to_nothing_is_refused():
    with pytest.raises(BadInputError, match="ratio to a share of zero"):
        paired_ratio(*counted(0, 5, 0, 5))


def test_t_mean_equals_scipys_one_sample_interval():
    values = np.random.default_rng(0).normal(0.6, 0.02, 10)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert t_mean(values) == pytest.approx((values.mean(), expected.low, expected.high))


def test_overlap_widens_as_nadeau_and_bengio_say():
    values = np.random.default_rng(0).normal(0.6, 0.02, 10)
    mean, _, high = t_mean(values)
    _, _, wide = t_mean(values, overlap=0.2)  # 200 of 1,000: the same pairs as 800 to train on and 200 to test on
    assert (wide - mean) / (high - mean) == pytest.approx(math.sqrt((1 / 10 + 200 / 800) / (1 / 10)))


def test_spread_is_what_the_release_prints_and_not_an_interval_of_the_mean():
    values = np.random.default_rng(0).normal(0.77, 0.01, 100)
    assert spread(values) == 1.96 * np.std(values)
    mean, low, _ = t_mean(values)
    assert spread(values) / (mean - low) == pytest.approx(10, rel=0.05)


@given(
    arrays(np.int8, st.tuples(st.integers(2, 6), st.integers(2, 8)), elements=st.integers(-1, 1)),
)
def test_crossed_mean_takes_its_variance_from_the_mean_squares_of_a_two_way_table(scores):
    wide = scores.astype(float)
    R, N = wide.shape
    rows, columns = wide.mean(1, keepdims=True), wide.mean(0, keepdims=True)
    of_draws = N * np.square(rows - wide.mean()).sum() / (R - 1)
    of_items = R * np.square(columns - wide.mean()).sum() / (N - 1)
    rest = np.square(wide - rows - columns + wide.mean()).sum() / ((R - 1) * (N - 1))
    joint = max(of_draws + of_items - rest, of_draws, of_items)
    errors = of_draws**2 / (R - 1) + of_items**2 / (N - 1) + rest**2 / ((R - 1) * (N - 1))
    freedom = max(joint**2 / errors, min(R, N) - 1) if joint else 1
    half = t.ppf(0.975, freedom) * math.sqrt(joint / (R * N))
    assert crossed_mean(scores) == pytest.approx((wide.mean(), wide.mean() - half, wide.mean() + half), abs=1e-9)


def test_crossed_mean_is_wider_than_either_source_alone():
    rng = np.random.default_rng(0)
    scores = rng.random((20, 300)) < rng.normal(0.7, 0.05, (20, 1)) + rng.normal(0, 0.2, 300)
    _, low, high = crossed_mean(scores)
    for alone in (t_mean(scores.mean(1)), t_mean(scores.mean(0))):
        assert high - low > alone[2] - alone[1]


def test_overlap_widens_the_crossed_interval_by_the_part_of_the_draws_alone():
    scores = np.random.default_rng(0).random((20, 300)) < 0.7  # the same chance in every draw: next to no such part
    apart = scores ^ (np.arange(20) % 2 == 0)[:, None]  # every second draw is wrong where the others are right

    def width(scores, overlap):
        _, low, high = crossed_mean(scores, overlap=overlap)
        return high - low

    assert width(apart, 0.2) / width(apart, 0.0) == pytest.approx(math.sqrt(1 + 20 * 0.25), rel=0.01)
    assert width(scores, 0.2) < 0.2 * width(apart, 0.2)


@pytest.mark.parametrize("draws", [0, 1])
def test_an_interval_over_a_single_draw_is_refused(draws):
    for ask in (lambda: t_mean(np.ones(draws)), lambda: crossed_mean(np.ones((draws, 5), bool))):
        with pytest.raises(BadInputError, match="at least two draws"):
            ask()


def test_draws_of_the_whole_pool_are_refused():
    for mean in (t_mean, crossed_mean):
        with pytest.raises(BadInputError, match="whole pool"):
            mean(np.arange(25.0).reshape(5, 5), overlap=1)


def test_draws_that_agree_have_an_interval_of_no_width():
    assert t_mean(np.full(5, 0.5)) == (0.5, 0.5, 0.5)
    assert crossed_mean(np.ones((5, 9), bool)) == (1, 1, 1)
