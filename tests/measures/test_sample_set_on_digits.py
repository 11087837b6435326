"""Real digits with planted faults, in two spaces: each shows where it should, and held-out digits show none."""

import numpy as np
import pytest

import gan_probe
from gan_probe.feature_space import open_space
from gan_probe.measures.sample_set import RealSet


@pytest.fixture(scope="module")
def digits():
    """Digits at 16x16 and their labels, in random order: 600 real, 1,197 held out."""
    data = gan_probe.open_data("digits")
    parts = [split.load(16, 1) for split in (data.train, data.test) if split is not None]
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


@pytest.fixture(scope="module", params=["pixels", "d:digits-dcgan"])
def measured(request, digits):
    """Each fault's measures: as many held-out digits stand beside them as `none`."""
    images, labels = digits
    space = open_space(request.param, 16, 1)
    held = images[600:]
    sets = {
        "none": held[:600],
        "three classes": held[np.isin(labels[600:], [0, 1, 2])],
        "as many of all": held[: np.isin(labels[600:], [0, 1, 2]).sum()],
        "a hundred repeated": held[np.arange(600) % 100],
        "noise": np.clip(held[:600] + np.random.default_rng(1).normal(0, 40, held[:600].shape), 0, 255).astype(
            np.uint8
        ),
    }
    real = RealSet(space(images[:600]))
    return {fault: real.measure(space(found)) for fault, found in sets.items()}


def test_held_out_digits_are_like_the_real_ones(measured):
    found = measured["none"]
    for name in ("precision", "recall", "coverage"):
        assert getattr(found, name).value > 0.9
    assert found.density.value == pytest.approx(1, abs=0.15)
    assert found.duplicates.value < 0.02
    assert found.distance == pytest.approx(1, abs=0.03)
    assert found.kid.low < 0 < found.kid.high


def test_lost_classes_cost_recall_and_coverage(measured):
    lost, whole = measured["three classes"], measured["as many of all"]
    assert lost.precision.low < whole.precision.value < lost.precision.high
    assert lost.recall.high < 0.5 < 0.9 < whole.recall.value
    assert lost.coverage.high < 0.52 < 0.85 < whole.coverage.value
    assert lost.fid.low > 3 * whole.fid.high
    assert lost.kid.low > 0.01 > whole.kid.high


def test_repeated_digits_are_duplicates_and_cost_recall_coverage_and_fid(measured):
    repeated, whole = measured["a hundred repeated"], measured["none"]
    assert repeated.duplicates.value == 1
    assert repeated.precision.value > 0.9
    assert repeated.recall.value == 0  # more copies than k: each one's ball is empty
    assert repeated.coverage.high < 0.65
    assert repeated.fid.low > 1.5 * whole.fid.high


def test_noise_costs_precision_and_density(measured):
    noisy, whole = measured["noise"], measured["none"]
    assert noisy.precision.high < 0.5 < whole.precision.low
    assert noisy.density.high < 0.2
    assert noisy.fid.low > 5 * whole.fid.high
    assert noisy.kid.low > whole.kid.high
