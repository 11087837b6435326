"""The nearest-neighbour classifier is scikit-learn's, whatever streams past it, and the real row is the known one."""

import dataclasses

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import gan_probe
from gan_probe import GAN, BadInputError, Context
from gan_probe.data import Data, Split
from gan_probe.testing import tiny_gan
from gan_probe_plugins import nn_classifier

SIZE, CLASSES = 16, 3


def images(n, seed, noise=60):
    """Bright bars at three heights, under noise, and their classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=n)
    pixels = rng.normal(90, noise, (n, SIZE, SIZE, 1))
    for i, label in enumerate(labels):
        pixels[i, 4 * label : 4 * label + 2] += 40
    return pixels.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def data():
    train, test = (Split.from_arrays("bars", *images(n, n), ("top", "middle", "bottom")) for n in (300, 200))
    return Data("bars", train, test)


class Bars:
    """A conditional generator that is right: a bar at the label's height, under the latent's noise."""

    layers = ()
    statistics = None

    def __call__(self, x, labels=None):
        made = 0.1 * x.reshape(-1, 1, SIZE, SIZE)
        for i, label in enumerate(labels.tolist()):
            made[i, :, 4 * label : 4 * label + 2] += 0.5
        return made


def bars(*names):
    card = tiny_gan(image_size=SIZE, classes=CLASSES).card
    return GAN(dataclasses.replace(card, name="bars", classes=names, z_size=SIZE * SIZE), Bars())


def run(gan, data, sizes, **options):
    return gan_probe.run(gan, "nn-classifier", data=data, sizes=sizes, **options)


def measured(report, of="samples"):
    return {row["n"]: row for row in report.table("errors").rows if row["training set"].startswith(of)}


def flat(pixels):
    return pixels.reshape(len(pixels), -1).astype(np.float64)


def test_errors_are_those_of_scikit_learn(data, monkeypatch):
    monkeypatch.setattr(nn_classifier, "SHARED", 64)  # the rest is a stream
    monkeypatch.setattr(nn_classifier, "CHUNK", 37)
    gan = bars("middle", "top", "bottom")  # in another order than the data's
    report = run(gan, data, (10, 64, 200))
    drawn = Context().samples(gan, 200)
    to_data = np.array([1, 0, 2])
    test, truth = images(200, 200)
    for n, row in measured(report).items():
        model = KNeighborsClassifier(1, algorithm="brute").fit(
            flat(drawn.pixels[:n]), to_data[drawn.labels[:n].numpy()]
        )
        assert row["test error"] == pytest.approx((model.predict(flat(test)) != truth).mean())
    train, labels = images(300, 300)
    real = KNeighborsClassifier(1, algorithm="brute").fit(flat(train), labels)
    assert measured(report, "real")[300]["test error"] == pytest.approx((real.predict(flat(test)) != truth).mean())
    assert sorted(measured(report, "real")) == [10, 64, 200, 300]


def test_a_generator_that_is_right_beats_one_whose_labels_are_turned(data):
    names = ("top", "middle", "bottom")
    right = measured(run(bars(*names), data, (90,)))[90]
    wrong = measured(run(bars(*names[1:], names[0]), data, (90,)))[90]
    assert right["high"] < 0.5 < wrong["low"]
    assert right["low"] < right["test error"] < right["high"]


def test_differences_are_paired_with_as_many_and_with_all_real_images(data):
    report = run(bars("top", "middle", "bottom"), data, (60, 500))
    rows = {(row["samples"], row["real images"]): row for row in report.table("differences").rows}
    assert set(rows) == {(60, 60), (60, 300), (500, 300)}
    errors = measured(report)[60]["test error"], measured(report, "real")[60]["test error"]
    assert rows[60, 60]["difference"] == pytest.approx(errors[0] - errors[1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(20, "+0.00 points ("), (60, "+20.00 points ("), (5, "-7.50 points (")],
)
def test_the_finding_says_which_way_it_came_out_or_that_it_cannot_be_told(wrong, says):
    hits, order = np.arange(200), np.random.default_rng(0).permutation(200)
    said = nn_classifier._finding(hits >= wrong, order >= 20, 1, 300)
    assert said.startswith(f"Fitted on 1 sample, the nearest neighbour errs on {wrong / 200:.2%} (")
    assert f"fitted on 300 real images, on 10.00% (6.57% to 14.94%): a difference of {says}" in said
    assert ("not told apart" in said) == (wrong == 20)
    assert said.endswith("). Intervals: 95 %, over test images; one stream of samples.")


def test_published_rows_stand_beside_mnist_alone(data):
    gan = bars("top", "middle", "bottom")
    assert {row["source"] for row in run(gan, data, (30,)).table("errors").rows} == {"measured here"}
    report = run(gan, dataclasses.replace(data, name="mnist"), (30,))
    printed = [row for row in report.table("errors").rows if row["source"] == "published"]
    assert len(printed) == 7
    assert {"training set": "DCGAN", "n": 10_000_000, "test error": 0.0148}.items() <= printed[-1].items()


def test_what_has_no_labels_or_other_classes_is_refused(data):
    with pytest.raises(BadInputError, match="is not both"):
        run(bars("top", "middle", "left"), data, (30,))
    bare = Data("bare", *(Split.from_arrays("bare", images(50, 1)[0]) for _ in range(2)))
    with pytest.raises(BadInputError, match="no labels"):
        run(bars("top", "middle", "bottom"), bare, (30,))


@pytest.mark.slow
def test_real_mnist_digits_err_as_they_are_known_to(shared):
    mnist = gan_probe.open_data(shared / "data" / "mnist.npz")
    report = run(tiny_gan(image_size=28, classes=10), mnist, (100,))
    assert abs(measured(report, "real")[60_000]["test error"] - 0.0309) < 0.003
