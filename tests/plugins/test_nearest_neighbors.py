"""Copies that are planted among poor samples are found, shifted ones too, and none where there are none."""

import csv
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN, BadInputError
from gan_probe.data import Data, Split
from gan_probe.testing import tiny_gan

SIZE, TRAIN, HELD_OUT, COUNT = 28, 300, 200, 150
MNIST = Path(__file__).resolve().parents[2] / "models" / "mnist-dcgan"  # the installed package does not hold it


def run(gan, data, **options):
    chosen = {"count": COUNT, "feature_space": f"d:{MNIST}"} | options
    return gan_probe.run(gan, "nearest-neighbors", data=data, **chosen)


def moved(images, y, x):
    """Down and to the right by so many pixels; what comes in repeats the edge."""
    wide = np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="edge")
    return wide[:, 3 - y : 3 - y + SIZE, 3 - x : 3 - x + SIZE]


class Copier:
    """A generator of poor faces, noise over a mean face, that gives the share `copies` of training images, shifted."""

    layers = ()
    statistics = None

    def __init__(self, images, copies, shift):
        self.images = torch.from_numpy(moved(images, *shift).transpose(0, 3, 1, 2) / np.float32(255))
        self.copies = copies

    def __call__(self, x, _labels=None):
        which = ((x[:, 1] + 1) / 2 * len(self.images)).long().clamp(max=len(self.images) - 1)
        noise = [
            torch.randn(1, SIZE, SIZE, generator=torch.Generator().manual_seed(int(1e6 * abs(z)))) for z in x[:, 2]
        ]
        poor = (self.images.mean(0) + 0.15 * torch.stack(noise)).clamp(0, 1)
        copied = (x[:, 0] + 1) / 2 < self.copies
        return torch.where(copied[:, None, None, None], self.images[which], poor) * 2 - 1


@pytest.fixture(scope="module")
def faces():
    """Grey toy faces, training and held-out, and the training images' pixels."""
    data = gan_probe.open_data("toy-faces")
    train, test = data.train.subset(np.arange(TRAIN)), data.test.subset(np.arange(HELD_OUT))
    return Data("faces", train, test), train.load(SIZE, 1).images


def copier(pixels, copies, shift=(0, 0)):
    card = dataclasses.replace(tiny_gan(image_size=SIZE).card, name="copier", discriminator=None, generator=None)
    return GAN(card, Copier(pixels, copies, shift))


def rows(report, table="copies"):
    """By space: pixels, pixels shifted, features, features shifted."""
    named = ((row["space"].replace(", shifted by up to 2", " shifted"), row) for row in report.table(table).rows)
    return {re.sub("d:.*[)]", "features", name): row for name, row in named}


def test_poor_samples_without_copies_raise_no_alarm(faces):
    report = run(copier(faces[1], 0.0), faces[0])
    assert all(row["nearer"] <= 0.03 * COUNT and row["p (Holm)"] > 0.05 for row in rows(report).values())
    most = max(row["nearer"] for row in rows(report).values())
    near = f"at most {most}" if most else "none"
    assert report.findings[0].startswith(f"No sign of copies in any of 4 spaces: {near} of {COUNT} samples ")
    least = min(row["least seen"] for row in rows(report).values())
    assert f"(precedence test, Holm, 5 %); {least} would have been significant." in report.findings[0]
    assert all(row["C_T"] > 3 for row in rows(report, "data-copying").values())  # poor, as planted


def test_one_in_ten_copies_are_found_everywhere(faces):
    report = run(copier(faces[1], 0.1), faces[0])
    for row in rows(report).values():
        assert row["low"] < 0.1 < row["high"]
        assert row["p (Holm)"] < 0.01
    assert sum(finding.startswith("Copies in ") for finding in report.findings) == 4
    assert not any("missed" in finding for finding in report.findings)
    assert any("C_T in pixels is above 0 in spite of the copies" in finding for finding in report.findings)


def test_shifted_copies_are_missed_by_pixels_found_otherwise_and_the_report_says_so(faces):
    report = run(copier(faces[1], 0.1, shift=(2, -1)), faces[0])
    found = rows(report)
    assert found["pixels"]["p (Holm)"] > 0.05
    assert found["pixels shifted"]["p (Holm)"] < 0.01
    assert found["features shifted"]["p (Holm)"] < 0.01
    assert any(finding.startswith("Pixels in their places missed them") for finding in report.findings)


def test_every_samples_neighbours_are_in_the_file(faces):
    gan, pixels = copier(faces[1], 1.0), faces[1]
    report = run(gan, faces[0], k=2)
    lines = list(csv.DictReader(io.StringIO(report.artifacts[0].content.decode())))
    assert len(lines) == 4 * COUNT * 2
    first = [line for line in lines if line["space"] == "pixels" and line["rank"] == "1"]
    z = gan_probe.Context().samples(gan, COUNT).z
    which = ((z[:, 1] + 1) / 2 * len(pixels)).long().tolist()
    assert [int(line["training image"]) for line in first] == which
    assert all(float(line["rms difference"]) == 0 and line["below threshold"] == "1" for line in first)
    assert rows(report, "authenticity")["pixels"]["AuthPct"] > 0  # the held-out images' row
    assert report.table("authenticity").rows[0]["AuthPct"] == 0
    assert rows(report, "data-copying")["pixels"]["p"] < 1e-6


def unseen(n=120):
    return Split.from_arrays("strange", np.random.default_rng(0).integers(0, 256, (n, 16, 16, 1), np.uint8))


def trained_on(name):
    gan = tiny_gan()
    return dataclasses.replace(gan, card=dataclasses.replace(gan.card, training_data=name))


def test_without_held_out_images_it_refuses_a_model_that_may_have_seen_all():
    for name in ("strange", ""):
        with pytest.raises(BadInputError, match="no held-out images"):
            run(trained_on(name), Data("strange", unseen()))


def test_images_that_the_card_says_were_not_trained_on_are_held_out_from_each_other():
    report = run(trained_on("digits"), Data("strange", unseen()), feature_space="pixels", shift=1)
    assert any("60 of its images, which the card says were not trained on, are held out" in n for n in report.notes)
    assert "60 held-out and 60 training images" in report.table("copies").caption


def test_training_images_are_those_of_the_cards_record_by_their_fingerprint(faces):
    data, gan = faces[0], copier(faces[1], 0.0)
    notes = {}
    for name, fingerprint in (("same", data.train.load(SIZE, 1).fingerprint), ("other", "0" * 64)):
        card = dataclasses.replace(gan.card, training={"data": {"name": "faces", "fingerprint": fingerprint}})
        notes[name] = run(dataclasses.replace(gan, card=card), data, feature_space="pixels", shift=1).notes
    assert any("is not, image by image" in note for note in notes["other"])
    assert not any("image by image" in note or "does not say" in note for note in notes["same"])


def test_a_model_whose_discriminator_is_the_default_space_does_without():
    gan = gan_probe.load(MNIST)
    rng = np.random.default_rng(0)
    train, test = (Split.from_arrays("noise", rng.integers(0, 256, (60, 28, 28, 1), np.uint8)) for _ in range(2))
    report = gan_probe.run(gan, "nearest-neighbors", data=Data("noise", train, test), count=20, shift=1)
    assert len(report.table("copies").rows) == 2
    assert any("Pixels stand in for the default feature space" in note for note in report.notes)
    with pytest.raises(BadInputError, match="own discriminator"):
        gan_probe.run(gan, "nearest-neighbors", data=Data("noise", train, test), feature_space=f"d:{MNIST}")
