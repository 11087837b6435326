"""Differences against oracles: SciPy's tests, brute force over all sign flips, and planted effects."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact, ttest_ind, ttest_rel

from gan_probe.comparison.difference import difference, estimate, is_share
from gan_probe.report import Measure


def measure(values, units="the same", **more):
    return Measure("m", np.asarray(values, float), units=units, **more)


def rng():
    return np.random.default_rng(0)


def test_paired_shares_have_mcnemars_exact_p():
    draw = rng()
    a, b = draw.random(200) < 0.6, draw.random(200) < 0.75
    found = difference(measure(a), measure(b), rng(), share=True)
    gained, lost = int((b & ~a).sum()), int((a & ~b).sum())
    assert found.p == pytest.approx(binomtest(gained, gained + lost).pvalue)
    assert found.value == pytest.approx(b.mean() - a.mean())
    assert found.low < found.value < found.high
    assert found.paired


def test_shares_of_other_units_have_fishers_exact_p_and_newcombes_published_interval():
    # Newcombe 1998, table II, row (a): 56/70 against 48/80, method 10
    a, b = np.arange(80) < 48, np.arange(70) < 56
    found = difference(measure(a, "these"), measure(b, "those"), rng(), share=True)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert found.p == pytest.approx(fisher_exact([[48, 32], [56, 14]]).pvalue)
    assert not found.paired


def test_sign_flips_of_few_pairs_are_all_tried():
    d = np.array([0.4, -0.1, 0.3, 0.9, 0.2, 0.5])
    sums = [abs(np.dot(signs, d)) for signs in itertools.product((-1, 1), repeat=6)]
    found = difference(measure(np.zeros(6)), measure(d), rng())
    assert found.p == pytest.approx(np.mean(np.array(sums) >= d.sum() - 1e-12))


def test_sign_flips_of_many_pairs_agree_with_students_t():
    draw = rng()
    a = draw.normal(0, 1, 300)
    b = a + draw.normal(0.1, 0.8, 300)
    found = difference(measure(a), measure(b), rng())
    oracle = ttest_rel(b, a)
    assert found.p == pytest.approx(oracle.pvalue, abs=0.01)
    interval = oracle.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low, abs=0.01), pytest.approx(interval.high, abs=0.01))


def test_means_of_other_units_have_welchs_interval():
    draw = rng()
    a, b = draw.normal(0, 1, 40), draw.normal(0.5, 3, 90)
    found = difference(measure(a, "these"), measure(b, "those"), rng())
    oracle = ttest_ind(b, a, equal_var=False)
    assert (found.p, found.low) == (
        pytest.approx(oracle.pvalue),
        pytest.approx(oracle.confidence_interval(0.95).low),
    )


def test_replicates_are_held_against_each_other_pair_by_pair():
    draw = rng()
    shared, own = draw.normal(0, 1, 500), draw.normal(0, 0.1, 500)
    first = measure(5 + shared, estimate=5.0)
    second = measure(6 + shared + own, estimate=6.0)
    paired = difference(first, second, rng())
    apart = difference(first, measure(second.values, "others", estimate=6.0), rng())
    assert paired.value == 1.0
    assert (paired.high - paired.low) == pytest.approx(2 * 1.96 * own.std(ddof=1))
    assert (apart.high - apart.low) > 10 * (paired.high - paired.low)


@pytest.mark.parametrize("values", [np.arange(50) % 2, np.arange(50) / 7.0, np.full(8, 0.3)])
def test_a_checkpoint_does_not_differ_from_itself(values):
    found = difference(measure(values), measure(values), rng())
    assert found.value == 0
    assert found.low <= 0 <= found.high
    assert found.p == 1


def test_exchanging_the_two_changes_the_sign_alone():
    draw = rng()
    a, b = draw.exponential(1, 60), draw.exponential(1.3, 60)
    there, back = (difference(measure(x), measure(y), rng()) for x, y in ((a, b), (b, a)))
    assert there.value == -back.value
    assert there.p == pytest.approx(back.p, abs=0.02)


def test_pairing_finds_what_is_lost_among_the_units_differences():
    draw = rng()
    hard = draw.normal(0, 5, 100)  # how hard each image is, for both
    a, b = measure(hard), measure(hard + draw.normal(0.3, 0.5, 100))
    assert difference(a, b, rng()).p < 0.001
    assert difference(a, measure(b.values, "others"), rng()).p > 0.2


@pytest.mark.parametrize(("sizes", "units"), [((50, 60), "the same"), ((50, 50), "")])
def test_without_the_same_units_nothing_is_paired(sizes, units):
    a, b = (measure(np.arange(n) / n, units) for n in sizes)
    assert not difference(a, b, rng()).paired


def test_single_values_have_no_interval():
    found = difference(measure([1.0], "a"), measure([2.0], "b"), rng())
    assert not np.isfinite([found.low, found.high]).any()
    assert found.p == 1
    assert not np.isfinite(estimate(measure([1.5]), rng()).low)


def test_a_share_has_wilsons_interval_and_replicates_their_spread():
    assert estimate(measure(np.arange(10) < 7), rng(), share=True).method == "Wilson"
    spread = np.random.default_rng(1).normal(3, 0.5, 4000)
    found = estimate(measure(spread, estimate=3.0), rng())
    assert (found.low, found.high) == (pytest.approx(2.02, abs=0.05), pytest.approx(3.98, abs=0.05))


def test_a_measure_says_itself_whether_it_is_a_share_and_its_values_only_where_it_does_not():
    zeros = np.zeros(30)
    assert is_share(measure(zeros))
    assert not is_share(measure(zeros, share=False))  # a density that is 0 everywhere is no share
    assert not is_share(measure(np.array([0, 1, 2.0])))
    assert is_share(measure(np.arange(4) < 2, share=True))
    assert estimate(measure(zeros), rng()).method == "none: all values are equal"
