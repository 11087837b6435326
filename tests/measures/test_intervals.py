"""Intervals against closed forms, simulation, and their symmetries."""

import math

import numpy as np
import pytest

from gan_probe.measures.intervals import paired_difference, wilson


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


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_paired_difference_covers_the_truth_about_95_times_in_100(shared):
    # two classifiers of 80 % and 75 % on 400 items, right on independent or on mostly the same items
    rng = np.random.default_rng(1)
    hits = 0
    draws = 2000
    for _ in range(draws):
        u = rng.random(400)
        v = np.where(rng.random(400) < shared, u, rng.random(400))
        _, low, high = paired_difference(u < 0.80, v < 0.75)
        hits += low <= 0.05 <= high
    assert 0.935 <= hits / draws <= 0.97
