"""A judge's response along an axis: ranks, rises and intervals on rows whose truth is known."""

import numpy as np
from scipy.stats import spearmanr

from gan_probe.arithmetic import bootstrap_means, rises, spearman


def test_rank_correlations_are_scipys():
    rows = np.random.default_rng(0).normal(size=(20, 11)).round(1)  # with ties
    expected = [spearmanr(row, np.arange(11)).statistic for row in rows]
    np.testing.assert_allclose(spearman(rows), expected)


def test_a_constant_row_correlates_with_nothing():
    assert spearman(np.full((1, 11), 0.3)) == [0]


def test_a_row_rises_unless_it_falls_or_stays():
    rows = np.array([[0, 0.2, 0.2, 1], [0, 0.5, 0.47, 1], [0, 0.5, 0.4, 1], [0.5, 0.5, 0.5, 0.52], [1, 0.6, 0.3, 0]])
    assert rises(rows, 0.05).tolist() == [True, True, False, False, False]


def test_small_falls_add_up():
    assert not rises(np.array([[0, 0.9, 0.86, 0.82, 0.78, 0.8]]), 0.05)[0]


def test_the_bootstraps_interval_is_about_students():
    values = np.random.default_rng(1).normal([0, 3], [1, 2], size=(100, 2))
    mean, low, high = bootstrap_means(values, np.random.default_rng(2))
    error = values.std(0, ddof=1) / 10
    np.testing.assert_allclose(mean, values.mean(0))
    np.testing.assert_allclose(low, mean - 1.96 * error, atol=0.1 * error.max())
    np.testing.assert_allclose(high, mean + 1.96 * error, atol=0.1 * error.max())
