"""The probe on worlds whose truth is known, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN, BadInputError
from gan_probe.testing import tiny_gan

from .rows import rows
from .stripes import npz_of, stripes


@pytest.fixture(scope="module")
def report(world):
    return gan_probe.run(tiny_gan(width=8), "linear-probe", data=world, c="0.01,0.1")


def test_the_accuracy_table_has_the_rows_and_columns_it_promises(report):
    table = report.table("accuracy")
    assert [row["features"] for row in table.rows] == ["trained D", "random weights", "raw pixels"]
    assert table.columns[:7] == ("features", "accuracy", "low", "high", "n_train", "n_test", "C")
    for row in table.rows:
        assert 0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1
        assert (row["n_train"], row["n_test"]) == (300, 300)


def test_convolutional_features_find_a_planted_structure_that_pixels_miss(report):
    found = rows(report)
    assert found["trained D"]["accuracy"] > 0.9
    assert found["raw pixels"]["accuracy"] < 0.7
    difference = rows(report, "differences", "comparison")["trained D minus raw pixels"]
    assert difference["low"] > 0.1


def test_shuffled_labels_are_at_chance(tmp_path):
    images, labels = stripes(300, 0)
    test_images, test_labels = stripes(300, 1)
    shuffled = np.random.default_rng(2).permutation(labels), np.random.default_rng(3).permutation(test_labels)
    path = npz_of(tmp_path, images, shuffled[0], test_images, shuffled[1])
    row = rows(gan_probe.run(tiny_gan(), "linear-probe", data=path, c="0.01", baselines="none"))["trained D"]
    assert row["accuracy"] < 0.45


def test_every_layer_and_class_has_its_row(report):
    assert set(rows(report, "layers")) == {"conv1", "conv2"}
    assert set(rows(report, "classes", "class")) == {"0", "1", "2"}
    assert sum(row["n_test"] for row in report.table("classes").rows) == 300
    assert {f.name for f in report.figures} == {"accuracies", "layers", "classes", "confusion"}


def test_the_features_are_those_of_a_plain_loop(world):
    from sklearn.svm import LinearSVC

    gan = tiny_gan(width=8)
    row = rows(gan_probe.run(gan, "linear-probe", data=world, c="0.01", bn="stored", baselines="none"))["trained D"]

    def plain(images):
        x = torch.from_numpy(images).float().permute(0, 3, 1, 2) / 127.5 - 1
        found = []
        for stage in list(gan.discriminator.children())[:2]:
            x = stage(x)
            found.append(torch.nn.functional.max_pool2d(x, x.shape[-1] // 4).flatten(1))
        return torch.cat(found, 1).numpy()

    arrays = np.load(world)
    svm = LinearSVC(C=0.01).fit(plain(arrays["train_images"]), arrays["train_labels"])
    expected = svm.score(plain(arrays["test_images"]), arrays["test_labels"])
    assert row["accuracy"] == pytest.approx(expected, abs=1 / 300)
    assert row["dimensions"] == (8 + 16) * 16


def test_same_seed_same_tables_whatever_the_batch_size(world):
    runs = [
        gan_probe.run(tiny_gan(), "linear-probe", data=world, c="0.01", train_size=100, batch_size=b) for b in (7, 128)
    ]
    for a, b in zip(runs[0].tables, runs[1].tables, strict=True):
        assert a == b
    other = gan_probe.run(tiny_gan(), "linear-probe", data=world, c="0.01", train_size=100, seed=1)
    assert other.tables[0] != runs[0].tables[0]


def test_the_drawn_training_set_is_balanced_although_the_set_is_sorted(tmp_path):
    images, labels = stripes(300, 0)
    order = np.argsort(labels, kind="stable")
    path = npz_of(tmp_path, images[order], labels[order], *stripes(60, 1))
    report = gan_probe.run(tiny_gan(), "linear-probe", data=path, c="0.1", train_size=30, baselines="none")
    assert rows(report)["trained D"]["n_train"] == 30
    assert min(row["accuracy"] for row in report.table("classes").rows) > 0.3


def test_batch_norm_statistics_are_recomputed_on_the_data_and_put_back(world):
    gan = tiny_gan()
    before = {name: m.mean.clone() for name, m in gan.discriminator.statistics.items()}
    report = gan_probe.run(gan, "linear-probe", data=world, c="0.01", baselines="none")
    assert any("recomputed on 256 of the 300 training images" in note for note in report.notes)
    assert all(torch.equal(m.mean, before[name]) for name, m in gan.discriminator.statistics.items())


def test_test_images_that_were_trained_on_are_called_out(tmp_path):
    images, labels = stripes(60, 0)
    path = tmp_path / "mine.npz"
    np.savez(path, images=images, labels=labels)
    gan = tiny_gan()
    fresh = gan_probe.run(gan, "linear-probe", data=path, c="1", baselines="none")
    assert not any("has seen" in note for note in fresh.notes)
    gan.card = dataclasses.replace(gan.card, training={"data": {"name": "mine"}})
    seen = gan_probe.run(gan, "linear-probe", data=path, c="1", baselines="none")
    assert any("has seen" in note for note in seen.notes)


def test_c_at_the_edge_of_the_grid_is_said(world):
    report = gan_probe.run(tiny_gan(), "linear-probe", data=world, c="1e-9,1e-8", baselines="none")
    assert any("edge of the grid" in note for note in report.notes)


@pytest.mark.parametrize(("c", "words"), [("0.01,0.1", "C was chosen on held-out"), ("0.01", "C = 0.01 was given")])
def test_the_caption_says_where_c_is_from(world, c, words):
    report = gan_probe.run(tiny_gan(), "linear-probe", data=world, c=c, baselines="none")
    assert words in report.table("accuracy").caption


def test_random_weights_may_be_drawn_more_than_once(world):
    report = gan_probe.run(tiny_gan(), "linear-probe", data=world, c="0.1", baselines="random", random_draws=2)
    found = rows(report)
    assert found["random weights"]["accuracy"] != found["random weights 2"]["accuracy"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": "conv9"}, "conv1, conv2, dense1"),
        ({"train_size": 9999}, "300"),
        ({"c": "0"}, "--c"),
        ({"bn": "magic"}, "data, stored"),
    ],
)
def test_an_option_that_cannot_be_met_says_what_can(world, options, words):
    with pytest.raises(BadInputError, match=words):
        gan_probe.run(tiny_gan(), "linear-probe", data=world, **options)


def test_data_without_labels_or_with_one_class_is_refused(tmp_path):
    images, labels = stripes(20, 0)
    bare = tmp_path / "bare.npz"
    np.savez(bare, images=images)
    with pytest.raises(BadInputError, match="no labels"):
        gan_probe.run(tiny_gan(), "linear-probe", data=bare)
    one = npz_of(tmp_path, images, labels * 0, images, labels * 0)
    with pytest.raises(BadInputError, match="two classes"):
        gan_probe.run(tiny_gan(), "linear-probe", data=one)


def test_a_conditional_discriminator_is_refused_because_it_sees_the_label(world):
    with pytest.raises(BadInputError, match="conditioned"):
        gan_probe.run(tiny_gan(classes=3), "linear-probe", data=world)


def test_stored_statistics_that_are_not_there_are_refused(world):
    gan = tiny_gan()
    gan.discriminator.statistics = None
    with pytest.raises(BadInputError, match="--bn data"):
        gan_probe.run(gan, "linear-probe", data=world, bn="stored")


def test_without_a_discriminator_the_probe_is_refused_in_one_sentence(world):
    gan = tiny_gan()
    with pytest.raises(BadInputError, match="linear-probe needs a discriminator"):
        gan_probe.run(GAN(gan.card, gan.generator, None), "linear-probe", data=world)


def test_no_data_and_none_named_on_the_card_asks_for_it():
    with pytest.raises(BadInputError, match="--data"):
        gan_probe.run(tiny_gan(), "linear-probe")
