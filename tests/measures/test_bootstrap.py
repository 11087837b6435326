"""The bootstrap of a mean, against what is known of normal draws."""

import numpy as np
import pytest

from gan_probe.measures.bootstrap import bootstrap_mean


def test_the_interval_is_about_as_wide_as_the_normal_one_and_covers_as_often():
    rng = np.random.default_rng(0)
    draws = rng.normal(3, 2, (300, 40))
    found = [bootstrap_mean(draw, rng) for draw in draws]
    assert 0.90 <= np.mean([f.low <= 3 <= f.high for f in found]) <= 0.98
    widths = [f.high - f.low for f in found]
    assert np.mean(widths) == pytest.approx(2 * 1.96 * 2 / np.sqrt(40), rel=0.05)


def test_it_is_of_the_mean_and_depends_on_the_generator_alone():
    values = np.array([0.0, 1.0, 5.0])
    one, other = (bootstrap_mean(values, np.random.default_rng(1)) for _ in range(2))
    assert one == other
    assert one.value == 2
    assert one.low < 2 < one.high
    assert one.method == "percentile bootstrap"


def test_equal_values_leave_no_doubt():
    found = bootstrap_mean(np.full(8, 0.5), np.random.default_rng(0))
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)
