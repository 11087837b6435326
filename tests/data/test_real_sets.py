"""The public sets beside the repository, where they are."""

from __future__ import annotations

import numpy as np
import pytest

from gan_probe.data import describe, open_data


def test_mnist_has_its_published_counts(shared):
    counts = describe(open_data(shared / "data" / "mnist.npz"))["splits"][1]["classes"]
    assert list(counts.values()) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(("key", "classes"), [("pose", 4), ("expression", 4), ("eyes", 2), ("person", 20)])
def test_cmu_faces_have_four_kinds_of_labels(shared, key, classes):
    train = open_data(shared / "data" / "cmu_faces.npz", labels=key).train
    assert (len(train), len(train.classes)) == (624, classes)


def test_cifar_is_sorted_by_class_and_a_draw_is_not(shared):
    train = open_data(shared / "data" / "cifar10-train.zip").train
    assert (np.diff(train.labels) >= 0).all()
    images = train.take(400, np.random.default_rng(0)).load(32, 3)
    assert np.bincount(images.labels).tolist() == [40] * 10
    assert (np.diff(images.labels) < 0).any()
    assert images.skipped == images.notes == ()


def test_utkface_carries_gender_in_its_names(shared):
    train = open_data(shared / "data" / "utkface64.zip", labels=r"^\d+_([01])_").train
    assert train.classes == ("0", "1")
    assert 0.4 < train.labels.mean() < 0.6
    assert train.take(50, np.random.default_rng(0)).load(64, 3).images.shape == (50, 64, 64, 3)
