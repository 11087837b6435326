"""Filters: what is planted is found, pictured where it is, and told from random weights and shuffled labels."""

import csv
import io

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN, BadInputError, Table
from gan_probe.analysis import Context
from gan_probe.data import Data, Images, Split
from gan_probe.network import Network
from gan_probe.testing import check_analysis, tiny_gan
from gan_probe.wrapped import Wrapped
from gan_probe_plugins.filters import Filters
from gan_probe_plugins.filters.fields import crop, fields
from gan_probe_plugins.filters.localisation import localisation
from gan_probe_plugins.filters.networks import Seen, chosen_layer
from gan_probe_plugins.filters.tables import verdict
from gan_probe_plugins.filters.targets import targets

SQUARE = 6  # pixels of the planted object


def square_images(n=600, seed=0):
    """Noise at 16x16; every second image holds a bright square, whose box is known."""
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 130, (n, 16, 16, 1)).astype(np.uint8)
    labels = np.arange(n) % 2
    boxes = np.full((n, 4), np.nan)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, 16 - SQUARE, 2)
        images[i, y : y + SQUARE, x : x + SQUARE] = 250
        boxes[i] = x, y, x + SQUARE, y + SQUARE
    return images, labels, boxes


def data(n=600, labels=True, boxes=False):
    images, kinds, where = square_images(n)
    split = Split.from_arrays("squares", images, kinds if labels else None, ("plain", "square") if labels else ())
    if boxes:
        split = Split(
            "squares",
            split.pixels,
            attributes={"square": kinds == 1, "size": np.full(n, 6.0)},
            boxes={"square": where / 16},
        )
    return Data("squares", split)


def bright_gan():
    """A GAN whose discriminator's first filter of conv2 sums what is bright; its other filters are random."""
    gan = tiny_gan(depth=1)
    net = gan.discriminator
    stages = dict(net.named_children())
    stages["conv1"].op.weight.data[0] = 1 / 16
    stages["conv2"].op.weight.data[0] = 0
    stages["conv2"].op.weight.data[0, 0] = 1 / 16
    return gan


def run(gan=None, **options):
    options = {"data": data(), "layer": "conv2", "random_draws": 2, "top": 3} | options
    return gan_probe.run(gan or bright_gan(), "filters", **options)


@pytest.fixture(scope="module")
def report():
    return run()


def test_the_planted_filter_is_told_by_its_class(report):
    row = report.table("filters").rows[0]
    assert (row["network"], row["filter"], row["excited by"]) == ("trained", 0, "square")
    assert row["AUC"] > 0.99
    assert row["gain in top 100"] == pytest.approx(1 - row["share of all"])
    assert row["low"] <= row["AUC"] <= row["high"]


def test_shuffled_labels_say_nothing(report):
    shuffled = report.table("selectivity").rows[2]
    assert shuffled["network"] == "trained, labels shuffled"
    assert abs(shuffled["mean AUC"] - 0.5) < 0.06
    assert shuffled["significant"] == 0


def test_the_difference_is_that_of_the_means(report):
    trained, random, _ = report.table("selectivity").rows
    for row in report.table("difference").rows:
        assert row["difference"] == pytest.approx(trained[row["measure"]] - random[row["measure"]])
        assert row["low"] <= row["difference"] <= row["high"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.2, "more selective"), (-0.2, -0.1, "less selective"), (-0.1, 0.1, "not told apart")],
)
def test_the_finding_says_which_way_it_came_out(low, high, said):
    row = {"measure": "mean AUC", "interval over": "images, draws", "difference": 0.05, "low": low, "high": high}
    other = {**row, "interval over": "images, filters", "low": -1, "high": 1}
    means = Table("selectivity", [{"draws": n, "mean AUC": auc} for n, auc in ((1, 0.75), (2, 0.7))])
    words = verdict(means, Table("difference", [row, other]), "8 filters, 90 images")
    assert words.startswith("Trained filters against 2 draws of random ones: ")
    assert f"by mean AUC {said}, 0.75 against 0.7 (0.05; {low} to {high}). 8 filters, 90 images. " in words


def test_every_filter_of_every_network_is_in_the_artifact(report):
    rows = list(csv.DictReader(io.StringIO(report.artifacts[0].content.decode())))
    filters = bright_gan().discriminator.layers[1].channels
    assert [(r["network"], int(r["filter"])) for r in rows] == [
        (name, f) for name in ("trained", "random weights 1", "random weights 2") for f in range(filters)
    ]
    assert float(rows[0]["AUC"]) == report.table("filters").rows[0]["AUC"]


def test_it_keeps_the_contract():
    check_analysis(Filters, bright_gan(), data(400), layer="conv2", random_draws=2, top=2, filters=("0", "2"))


def test_statistics_that_are_not_stored_are_computed_and_forgotten():
    gan = bright_gan()
    gan.discriminator.statistics = None
    report = run(gan, top=1, filters="0")
    assert gan.discriminator.statistics is None
    assert any("recomputed on 600 of these images" in note for note in report.notes)


def seen_of(gan, images):
    net = gan.discriminator
    layer = chosen_layer(gan, "conv2")
    maps = net.activations(gan.from_uint8(images), ["conv2"])["conv2"]
    return Seen("trained", net, layer, images, maps.amax(dim=(2, 3)).numpy()), maps


def test_peaks_are_where_the_maps_are_highest():
    images = square_images(50)[0]
    seen, maps = seen_of(bright_gan(), images)
    rng = np.random.default_rng(0)
    which, filters = rng.integers(50, size=80), rng.integers(maps.shape[1], size=80)
    for size in (7, 128):
        places = seen.peaks(bright_gan(), which, filters, Context(batch_size=size))
        for image, f, (row, column) in zip(which, filters, places, strict=True):
            assert maps[image, f, row, column] == maps[image, f].max()


def test_the_strongest_images_come_first_and_can_be_chosen_among():
    images, labels, _ = square_images(50)
    seen, maps = seen_of(bright_gan(), images)
    highest = maps.amax(dim=(2, 3))[:, 0]
    order = seen.strongest(0, 10)
    assert torch.equal(highest[order], highest.sort(descending=True).values[:10])
    plain = seen.strongest(0, 10, labels == 0)
    assert (labels[plain] == 0).all()


def test_guided_gradients_lie_within_what_the_filter_sees():
    gan = bright_gan()
    images = square_images(20)[0]
    seen, _ = seen_of(gan, images)
    which = seen.strongest(0, 8)
    places = seen.peaks(gan, which, np.zeros(8, int), Context())
    gradients = seen.guided(gan, which, 0, places)
    known = fields(seen.net, seen.layer)
    for gradient, (r, c) in zip(gradients, places, strict=True):
        outside = gradient.copy()
        outside[known[r].first : known[r].last, known[c].first : known[c].last] = 0
        assert np.abs(gradient).max() > 0
        assert np.abs(outside).max() == 0


def test_a_crop_is_what_the_unit_sees_and_blank_beyond():
    net = bright_gan().discriminator
    known = fields(net, net.layers[1])
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    corner, middle = crop(pixels, known[0], known[0], 77), crop(pixels, known[1], known[2], 77)
    assert corner.shape == middle.shape == (10, 10, 1)  # two 4x4 kernels of stride 2
    assert (corner[:3] == 77).all()
    assert (corner[:, :3] == 77).all()
    np.testing.assert_array_equal(corner[3:, 3:], pixels[:7, :7])
    np.testing.assert_array_equal(middle, pixels[1:11, 5:15])


def test_a_field_wider_than_the_image_is_shown_on_the_image():
    stages = tiny_gan().discriminator.stages
    net = Network(stages, 16)
    known = fields(net, net.layers[-1])  # dense: it sees everything
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(crop(pixels, known[0], known[0], 77), pixels)


def test_a_filter_fires_inside_the_box_of_its_object_and_random_ones_less():
    report = run(data=data(boxes=True), filters="0")
    trained, random, difference = report.table("localisation").rows
    assert difference["gain"] == pytest.approx(trained["gain"] - random["gain"])
    gan = bright_gan()
    images, labels, boxes = square_images(600)
    squares = Images(images, attributes={"square": labels == 1}, boxes={"square": boxes})
    wanted = targets(squares, np.random.default_rng(0), [])
    seen, _ = seen_of(gan, images)
    bright = Seen("trained", seen.net, seen.layer, images, seen.maxima[:, :1])
    (found,) = localisation(gan, [bright, seen, seen], wanted, Context())
    assert found.rows[0]["inside"] > 0.9
    assert found.rows[0]["by chance"] < 0.4


def test_attributes_count_by_presence_and_absence_and_not_twice():
    images, labels, _ = square_images(600)
    notes = []
    found = targets(
        Images(images, labels, ("plain", "square"), attributes={"square": labels == 1, "size": np.ones(600)}),
        np.random.default_rng(0),
        notes,
    )
    assert found.names == ("square", "no square")
    assert found.choosing.sum() == 300
    rare = targets(Images(images, (np.arange(600) < 15).astype(int), ("a", "b")), np.random.default_rng(0), notes)
    assert rare.names == ()
    assert "a, b" in notes[-1]


def test_without_labels_there_are_pictures_and_a_note():
    report = run(data=data(labels=False))
    assert report.tables == ()
    assert [figure.name for figure in report.figures] == ["filters"]
    assert any("not measured" in note for note in report.notes)
    with pytest.raises(BadInputError, match="no labels to choose filters by"):
        run(data=data(labels=False), filters="selective")


def test_the_most_selective_filters_are_chosen_by_the_other_half():
    rows = run(filters="selective").table("filters").rows
    assert rows[0]["filter"] == 0
    assert rows[0]["AUC"] > 0.99


def test_filters_and_layers_can_be_named(refused):
    rows = run(filters="3,1", layer="conv1").table("filters").rows
    assert [row["filter"] for row in rows] == [3, 1, 3, 1]
    assert "write first, selective, or numbers" in refused(run, filters="nose")
    assert "has filters 0 to" in refused(run, filters="99")
    assert "each once" in refused(run, filters="1,1")
    assert "the discriminator has: conv1" in refused(run, layer="conv9")


def test_a_dense_layer_has_no_places():
    report = run(layer="dense1", data=data(boxes=True))
    assert "localisation" not in [table.name for table in report.tables]
    assert report.figures[0].name == "filters"


def test_a_class_of_ones_own_is_shown_on_whole_images():
    gan = bright_gan()
    own = Wrapped(gan.discriminator, torch.zeros(2, 1, 16, 16))
    report = run(GAN(gan.card, None, own), layer=own.layers[1].name)
    assert any("whole images are shown" in note for note in report.notes)


def test_a_conditional_discriminator_is_refused(refused):
    assert "unconditional" in refused(run, tiny_gan(classes=3))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_authors_discriminator_is_more_selective_than_random_weights(shared):
    report = gan_probe.run(
        shared / "weights" / "dcgan_code_svhn",
        "filters",
        data=shared / "data" / "cifar10-train.zip",
        images=8000,
        top=2,
    )
    assert all(row["low"] > 0 for row in report.table("difference").rows if row["measure"] != "mean AUC")
    shuffled = report.table("selectivity").rows[2]
    assert shuffled["low"] < 0.5 < shuffled["high"]
