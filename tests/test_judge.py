import numpy as np
import pytest

from gan_probe import BadInputError, Context
from gan_probe.data import Data, Split
from gan_probe.judge import judge_classes, open_judge, train_judge
from gan_probe.testing import tiny_gan


def bars(n, seed, size=16, upright=None):
    """Images of one bar each on noise, (N, S, S, 1), and whether it stands upright."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n) if upright is None else np.full(n, upright)
    images = rng.integers(0, 100, (n, size, size, 1))
    for image, label, place in zip(images, labels, rng.integers(3, size - 4, n), strict=True):
        image[(slice(None), slice(place, place + 2)) if label else (slice(place, place + 2))] = 220
    return images.astype(np.uint8), labels.astype(np.int64)


@pytest.fixture(scope="module")
def judge():
    return train_judge(bars(400, 0), bars(200, 1), ("lying", "upright"), np.random.default_rng(0), steps=60)


def test_a_judge_tells_what_it_was_shown(judge):
    assert judge.accuracy.value > 0.95
    assert judge.n_held_out == judge.confusion.sum() == 200
    assert judge.accuracy.low < judge.accuracy.value <= judge.accuracy.high
    assert judge.balanced.low > 0.9 > judge.chance
    assert judge.balanced.value == pytest.approx((judge.confusion.diagonal() / judge.confusion.sum(1)).mean())
    assert judge.named == pytest.approx(np.bincount(bars(200, 1)[1]) / 200, abs=0.05)
    images, labels = bars(100, 2)
    probabilities = judge(images)
    assert probabilities.shape == (100, 2)
    assert (probabilities.argmax(1) == labels).mean() > 0.95


def test_an_images_probability_does_not_depend_on_the_others(judge):
    images, _ = bars(300, 3)
    np.testing.assert_allclose(judge(images[:5]), judge(images)[:5], rtol=1e-5, atol=1e-6)


def test_images_of_another_kind_are_fitted(judge):
    images, labels = bars(60, 4)
    large = images.repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=3)
    assert (judge(large).argmax(1) == labels).mean() > 0.9


def test_shuffled_labels_teach_nothing():
    images, labels = bars(400, 5)
    shuffled = np.random.default_rng(1).permutation(labels)
    judge = train_judge((images, shuffled), bars(200, 6), ("a", "b"), np.random.default_rng(0), steps=60)
    assert 0.3 < judge.accuracy.value < 0.7
    assert judge.balanced.low < judge.chance == 0.5


def test_the_same_seed_trains_the_same_judge(judge):
    again = train_judge(bars(400, 0), bars(200, 1), ("lying", "upright"), np.random.default_rng(0), steps=60)
    images, _ = bars(50, 7)
    np.testing.assert_array_equal(judge(images), again(images))


def test_a_judge_is_opened_by_its_data_once_in_a_run():
    opened = []

    def open_data(spec, labels):
        opened.append((spec, labels))
        return Data("bars", Split.from_arrays("bars", *bars(120, 8), ("lying", "upright")))

    ctx = Context(open_data=open_data)
    card = tiny_gan().card
    assert judge_classes("bars:way", ctx) == ("lying", "upright")
    first = open_judge("bars:way", card, ctx)
    assert open_judge("bars:way", card, ctx) is first
    assert opened == [("bars", "way")]
    assert (first.n_trained, first.n_held_out) == (96, 24)
    assert (first.size, first.channels) == (16, 1)


def test_data_without_classes_cannot_teach_a_judge(refused):
    unlabelled = Context(open_data=lambda *_: Data("bars", Split.from_arrays("bars", bars(50, 9)[0])))
    assert "no labels" in refused(open_judge, "bars", tiny_gan().card, unlabelled)
    with pytest.raises(BadInputError, match="at least two classes"):
        train_judge(bars(40, 1, upright=1), bars(40, 2, upright=1), ("a", "b"), np.random.default_rng(0), steps=1)
