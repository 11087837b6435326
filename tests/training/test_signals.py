from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import entropy

from gan_probe.training.signals import NEAR, Reference, distances, pixels

CLOUDS = 8


def clouds(n: int, kept: int = CLOUDS, seed: int = 0) -> np.ndarray:
    """Points (N, 5) float32 in equal parts around `kept` of eight far centres."""
    rng = np.random.default_rng(seed)
    centres = 100 * np.eye(CLOUDS)[:, :5] + 50 * np.eye(CLOUDS)[:, 3:]
    return (centres[np.arange(n) % kept] + rng.normal(0, 1, (n, 5))).astype(np.float32)


def reference(n: int = 800, seed: int = 1) -> Reference:
    return Reference(clouds(n, seed=seed), np.random.default_rng(0))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(0, 1000))
def test_distances_are_scipys_also_far_from_the_origin(n: int, m: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(1000, 1, (k, size)).astype(np.float32) for k in (n, m))
    np.testing.assert_allclose(distances(a, b), cdist(a.astype(float), b.astype(float)), atol=2e-3)


def test_real_images_that_were_held_out_look_like_real_images() -> None:
    fixed = reference()
    for seed in range(5):
        signals = fixed.measure(clouds(400, seed=100 + seed))
        for name, (low, high) in fixed.band.items():
            slack = 2 * (high - low)
            assert low - slack <= signals[name] <= high + slack


def test_one_image_is_one_kind_without_diversity_and_all_duplicates() -> None:
    fixed = reference()
    signals = fixed.measure(np.repeat(clouds(1), 400, axis=0))
    assert signals["diversity"] == pytest.approx(0, abs=1e-3)
    assert signals["duplicates"] == 1
    assert signals["kinds"] < 0.1


def test_the_number_of_kinds_follows_what_is_left_of_the_data() -> None:
    fixed = reference()
    kinds = [fixed.measure(clouds(400, kept, seed=7))["kinds"] for kept in range(1, CLOUDS + 1)]
    assert kinds == sorted(kinds)
    assert kinds == pytest.approx(np.arange(1, CLOUDS + 1) / CLOUDS, abs=0.12)


def test_kinds_are_the_exponential_of_an_entropy() -> None:
    few = np.array([[0.0]] * 10 + [[1.0]] * 10, dtype=np.float32)  # 20 images: two clusters
    fixed = Reference(few, np.random.default_rng(0))
    both = fixed.measure(np.array([[0.0], [1.0]], dtype=np.float32))["kinds"]
    uneven = fixed.measure(np.array([[0.0], [0.0], [0.0], [1.0]], dtype=np.float32))["kinds"]
    assert uneven / both == pytest.approx(np.exp(entropy([0.75, 0.25])) / 2)


def test_diversity_scales_with_the_samples_and_does_not_see_where_they_are() -> None:
    fixed, samples = reference(), clouds(400, seed=3)
    whole = fixed.measure(samples)["diversity"]
    assert fixed.measure(samples / 2 + 1)["diversity"] == pytest.approx(whole / 2, rel=1e-4)


def test_twins_are_duplicates_and_single_images_are_not() -> None:
    fixed, samples = reference(), clouds(300, seed=4)
    assert fixed.measure(samples)["duplicates"] < 5 * NEAR
    twins = np.concatenate([samples[:200], samples[:100]])
    assert fixed.measure(twins)["duplicates"] == pytest.approx(200 / 300, abs=5 * NEAR)


def test_the_order_of_samples_has_no_influence() -> None:
    fixed, samples = reference(), clouds(300, seed=5)
    assert fixed.measure(samples[::-1]) == pytest.approx(fixed.measure(samples), rel=1e-5)


def test_the_line_to_collapse_lies_at_half_of_the_kinds() -> None:
    assert reference().collapsed["kinds"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("real", [np.zeros((40, 3), np.float32), np.ones((20, 1), np.float32)])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_real_images_that_are_all_one_give_finite_signals(real: np.ndarray) -> None:
    signals = Reference(real, np.random.default_rng(0)).measure(real)
    assert all(np.isfinite(value) for value in signals.values())


def test_further_measures_get_real_and_sampled_features_and_a_band_of_their_own() -> None:
    def shift(real: np.ndarray, samples: np.ndarray) -> float:
        return float(np.abs(real.mean(0) - samples.mean(0)).max())

    fixed = Reference(clouds(400), np.random.default_rng(0), {"shift": shift})
    assert fixed.measure(clouds(200) + 1000)["shift"] == pytest.approx(1000, rel=0.05)
    low, high = fixed.band["shift"]
    assert 0 < low < high < 20


def test_pixels_are_flat_and_from_0_to_1() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3) * 11
    assert pixels(images).shape == (2, 12)
    assert pixels(images).max() == pytest.approx(253 / 255)
