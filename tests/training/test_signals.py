from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from gan_probe.measures.duplicates import SHARE
from gan_probe.training.signals import Reference

CLOUDS = 8


def clouds(n: int, kept: int = CLOUDS, seed: int = 0) -> np.ndarray:
    """Points (N, 5) float32 in equal parts around `kept` of eight far centres."""
    rng = np.random.default_rng(seed)
    centres = 100 * np.eye(CLOUDS)[:, :5] + 50 * np.eye(CLOUDS)[:, 3:]
    return (centres[np.arange(n) % kept] + rng.normal(0, 1, (n, 5))).astype(np.float32)


def reference(n: int = 800, seed: int = 1) -> Reference:
    return Reference(clouds(n, seed=seed), np.random.default_rng(0))


def test_real_images_that_were_held_out_look_like_real_images() -> None:
    fixed = reference()
    for seed in range(5):
        signals = fixed.signals(clouds(400, seed=100 + seed))
        for name, (low, high) in fixed.band.items():
            slack = 2 * (high - low)
            assert low - slack <= signals[name] <= high + slack


def test_one_image_is_one_kind_without_diversity_and_all_duplicates() -> None:
    fixed = reference()
    signals = fixed.signals(np.repeat(clouds(1), 400, axis=0))
    assert signals["diversity"] == pytest.approx(0, abs=1e-3)
    assert signals["duplicates"] == 1
    assert signals["kinds"] < 0.1


def test_the_number_of_kinds_follows_what_is_left_of_the_data() -> None:
    fixed = reference()
    kinds = [fixed.signals(clouds(400, kept, seed=7))["kinds"] for kept in range(1, CLOUDS + 1)]
    assert kinds == sorted(kinds)
    assert kinds == pytest.approx(np.arange(1, CLOUDS + 1) / CLOUDS, abs=0.12)


def test_kinds_are_the_exponential_of_an_entropy() -> None:
    few = np.array([[0.0]] * 10 + [[1.0]] * 10, dtype=np.float32)  # 20 images: two clusters
    fixed = Reference(np.random.default_rng(0).permutation(few), np.random.default_rng(0))
    both = fixed.signals(np.array([[0], [0], [1], [1]], dtype=np.float32))["kinds"]
    uneven = fixed.signals(np.array([[0], [0], [0], [1]], dtype=np.float32))["kinds"]
    assert uneven / both == pytest.approx(np.exp(entropy([0.75, 0.25])) / 2)


def test_diversity_scales_with_the_samples_and_does_not_see_where_they_are() -> None:
    fixed, samples = reference(), clouds(400, seed=3)
    whole = fixed.signals(samples)["diversity"]
    assert fixed.signals(samples / 2 + 1)["diversity"] == pytest.approx(whole / 2, rel=1e-4)


def test_twins_are_duplicates_and_single_images_are_not() -> None:
    fixed, samples = reference(), clouds(300, seed=4)
    assert fixed.signals(samples)["duplicates"] < 5 * SHARE
    twins = np.concatenate([samples[:200], samples[:100]])
    assert fixed.signals(twins)["duplicates"] == pytest.approx(200 / 300, abs=5 * SHARE)


def test_the_order_of_samples_has_no_influence() -> None:
    fixed, samples = reference(), clouds(300, seed=5)
    assert fixed.signals(samples[::-1]) == pytest.approx(fixed.signals(samples), rel=1e-5)


def test_the_line_to_collapse_lies_at_half_of_the_kinds() -> None:
    assert reference().collapsed["kinds"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("real", [np.zeros((40, 3), np.float32), np.ones((20, 1), np.float32)])
def test_real_images_that_are_all_one_give_finite_signals(real: np.ndarray) -> None:
    signals = Reference(real, np.random.default_rng(0)).signals(real)
    assert all(np.isfinite(value) for value in signals.values())


def test_held_out_images_are_measured_beside_the_samples() -> None:
    fixed = reference()
    shifted = fixed.measures(clouds(400) + 1000)
    assert fixed.held_out.coverage.value > 0.9
    assert shifted.coverage.value == shifted.precision.value == 0
    assert fixed.held_out.fid.value < shifted.fid.value / 100
