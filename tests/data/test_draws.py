from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.data import Data, Split
from gan_probe.data.draws import draw


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_draw_takes_n_distinct_items_and_each_class_within_one_of_its_share(counts, share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    n = max(1, round(share * len(labels)))
    taken = draw(len(labels), labels, n, np.random.default_rng(seed))
    assert len(taken) == len(set(taken.tolist())) == n
    exact = np.array(counts) * n / len(labels)
    assert (np.abs(np.bincount(labels[taken], minlength=len(counts)) - exact) < 1).all()
    np.testing.assert_array_equal(taken, draw(len(labels), labels, n, np.random.default_rng(seed)))


def test_a_draw_is_uniform_within_a_class_and_its_order_is_random():
    labels = np.repeat([0, 1], 10)
    rng = np.random.default_rng(0)
    draws = np.array([draw(20, labels, 4, rng) for _ in range(3000)])
    share = np.bincount(draws.ravel(), minlength=20) / 3000
    assert np.abs(share - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 3000)  # five standard errors
    assert abs(labels[draws[:, 0]].mean() - 0.5) < 5 * np.sqrt(0.25 / 3000)


def small(n: int = 10) -> Split:
    return Split.from_arrays("set", np.zeros((n, 8, 8, 1), np.uint8), np.arange(n) // 5, ("a", "b"))


def test_take_refuses_more_than_there_are(refused):
    rng = np.random.default_rng(0)
    assert "11 images of 10" in refused(small().take, 11, rng)
    refused(small().take, 0, rng)


def test_subsets_of_subsets_keep_images_and_labels_together():
    images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    split = Split.from_arrays("set", images, np.arange(10), tuple("0123456789"))
    loaded = split.take(8, np.random.default_rng(1)).subset(np.array([5, 0, 3])).load(8, 1)
    np.testing.assert_array_equal(loaded.images[:, 0, 0, 0], loaded.labels)


def test_train_test_draws_a_stratified_test_where_there_is_none():
    train, test = Data("set", small(10)).train_test(np.random.default_rng(0))
    assert (len(train), len(test)) == (8, 2)
    assert sorted(test.labels.tolist()) == [0, 1]
    assert not set(train.indices.tolist()) & set(test.indices.tolist())


def test_train_test_prefers_the_sets_own_test_split_unless_only_that_lacks_labels():
    own = Split.from_arrays("set test", np.zeros((3, 8, 8, 1), np.uint8), np.zeros(3, np.int64), ("a", "b"))
    assert Data("set", small(), own).train_test(np.random.default_rng(0))[1] is own
    unlabelled = Split.from_arrays("set test", np.zeros((3, 8, 8, 1), np.uint8))
    assert Data("set", small(), unlabelled).train_test(np.random.default_rng(0))[1].labels is not None


def test_a_set_too_small_to_split_is_refused(refused):
    assert "cannot be split" in refused(Data("set", small(1)).train_test, np.random.default_rng(0))


def test_labels_must_be_as_many_as_images(refused):
    images = np.zeros((3, 8, 8, 1), np.uint8)
    assert "3 images but 2 labels" in refused(Split.from_arrays, "set", images, np.zeros(2, np.int64), ("a",))


def test_the_fingerprint_depends_on_pixels_shape_and_labels_alone():
    images = np.arange(4 * 64, dtype=np.uint32).astype(np.uint8).reshape(4, 8, 8, 1)
    labels = np.array([0, 0, 1, 1])

    def fingerprint(images, labels=None):
        return Split.from_arrays("any", images, labels, ("a", "b")).load(images.shape[1], 1).fingerprint

    assert fingerprint(images, labels) == fingerprint(images.copy(order="F"), labels.astype(np.int32))
    others = [fingerprint(images), fingerprint(images, labels[::-1]), fingerprint(images[::-1], labels)]
    others.append(fingerprint(images.reshape(1, 16, 16, 1), labels[:1]))
    assert len({fingerprint(images, labels), *others}) == 5


def test_what_does_not_fit_into_memory_is_refused_before_it_is_allocated(refused, monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: 10_000)
    assert "--train-size" in refused(small(100).load, 16, 1)
    assert len(small(10).load(8, 1)) == 10


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_channels_other_than_one_and_three_are_refused(refused, channels):
    refused(small().load, 8, channels)
