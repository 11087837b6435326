"""Bins that differ: the test against its formula, chance under the null, and planted losses."""

import numpy as np
import pytest

from gan_probe.measures.bins import Clusters, compare_bins

SHARES = np.r_[[0.05] * 10, [0.025] * 20]


def z_test(a, n, b, m):
    """The two-proportion z test, spelt out for one bin."""
    from scipy.stats import norm

    together = (a + b) / (n + m)
    z = (a / n - b / m) / np.sqrt(together * (1 - together) * (1 / n + 1 / m))
    return 2 * norm.sf(abs(z))


def counts(rng, n, shares=SHARES):
    return rng.multinomial(n, shares)


def test_each_bins_p_value_is_that_of_the_two_proportion_test():
    rng = np.random.default_rng(0)
    real, fake = counts(rng, 500), counts(rng, 800)
    expected = [z_test(a, 500, b, 800) for a, b in zip(real, fake, strict=True)]
    np.testing.assert_allclose(compare_bins(real, fake).p, expected)
    # scipy's chi-square test of a 2 x 2 table without Yates' correction is the same test
    from scipy.stats import chi2_contingency

    table = [[real[0], 500 - real[0]], [fake[0], 800 - fake[0]]]
    assert compare_bins(real, fake).p[0] == pytest.approx(chi2_contingency(table, correction=False).pvalue)


def test_of_equal_shares_as_many_bins_differ_as_chance_lets():
    rng = np.random.default_rng(1)
    found = [compare_bins(counts(rng, 1000), counts(rng, 1000)) for _ in range(300)]
    share = np.mean([f.different.value for f in found])
    assert share == pytest.approx(0.05, abs=0.008)
    assert found[0].expected == pytest.approx(0.05 * 30)
    assert np.mean([f.corrected > 0 for f in found]) <= 0.08
    assert all(f.lost.value == 0 for f in found)


def test_lost_kinds_are_counted_by_the_real_images_in_them():
    rng = np.random.default_rng(2)
    left = np.where(np.arange(30) < 3, SHARES, 0)
    found = compare_bins(counts(rng, 1000), counts(rng, 1000, left / left.sum()))
    assert found.lost_bins.sum() == 27
    assert found.lost.value == pytest.approx(0.85, abs=0.04)
    assert found.distance.low <= 0.85 <= found.distance.high + 0.03
    assert found.different.value > 0.9


def test_a_bin_drawn_half_as_often_differs_and_is_not_lost():
    rng = np.random.default_rng(3)
    halved = np.where(np.arange(30) < 10, SHARES / 2, SHARES)
    found = compare_bins(counts(rng, 5000), counts(rng, 5000, halved / halved.sum()))
    assert found.corrected >= 10
    assert found.lost.value == 0


def test_total_variation_covers_a_planted_distance():
    rng = np.random.default_rng(4)
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    found = [compare_bins(counts(rng, 1000, p), counts(rng, 1000, q)).distance for _ in range(400)]
    assert 0.9 <= np.mean([d.low <= 0.3 <= d.high for d in found]) <= 0.99
    assert compare_bins(np.array([5, 0]), np.array([0, 5])).distance.value == 1


def test_a_bin_that_holds_none_or_all_does_not_differ():
    found = compare_bins(np.array([9, 0]), np.array([8, 0]))
    assert found.different.value == 0
    np.testing.assert_array_equal(found.p, 1)


def test_rows_fall_into_the_bin_of_the_nearest_mean():
    rng = np.random.default_rng(5)
    clouds = np.repeat(100 * np.eye(4), 50, 0) + rng.normal(size=(200, 4))
    bins = Clusters(clouds.astype(np.float32), 4, rng)
    np.testing.assert_array_equal(np.sort(bins.count(clouds)), [50] * 4)
    distances = np.linalg.norm(clouds[:, None] - bins.centres, axis=2)
    np.testing.assert_array_equal(bins.of(clouds), distances.argmin(1))


def test_what_cannot_be_compared_is_refused(refused):
    assert "same bins" in refused(compare_bins, np.array([1, 2]), np.array([0, 0]))
    assert "2 bins" in refused(Clusters, np.ones((3, 2), np.float32), 4, np.random.default_rng(0))
