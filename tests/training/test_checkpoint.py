from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.native import load_checkpoint
from gan_probe.data import Data, Split, open_data
from gan_probe.disk import InUseError
from gan_probe.errors import BadInputError, OutputError
from gan_probe.report.folder import ReportFolder
from gan_probe.training import Recipe
from gan_probe.training.checkpoint import train_checkpoint

TINY = Recipe(epochs=3, width=4, z_size=8, batch_size=16)


def noise(n: int = 32, size: int = 16, channels: int = 1, labels: bool = False) -> Data:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, size, size, channels), dtype=np.uint8)
    return Data("noise", Split.from_arrays("noise", images, np.arange(n) % 2 if labels else None, ("even", "odd")))


def test_the_checkpoint_opens_again_and_draws_the_same(tmp_path: Path) -> None:
    gan = train_checkpoint(noise(), tmp_path / "a.pt", TINY, seed=3, licence="CC0")
    again, _ = load_checkpoint(tmp_path / "a.pt")
    z = gan.latent(4, np.random.default_rng(0))
    torch.testing.assert_close(gan.sample(z), again.sample(z))
    assert again.card.name == "a"
    assert again.card.training_data == "noise"
    assert again.card.licence == "CC0"
    assert again.card.training["data"]["fingerprint"] == noise().train.load(16, 1).fingerprint


def test_the_report_beside_it_holds_losses_and_samples(tmp_path: Path) -> None:
    train_checkpoint(noise(), tmp_path / "a.pt", TINY, command="gan-probe train ...")
    folder = tmp_path / "a-training"
    report = json.loads((folder / "report.json").read_text())
    (analysis,) = report["analyses"]
    assert [table["name"] for table in analysis["tables"]] == ["verdict", "losses"]  # of 32 images, no signals
    assert [figure["name"] for figure in analysis["figures"]] == ["losses", "samples-over-training", "samples"]
    assert report["run"]["command"] == "gan-probe train ..."
    assert report["run"]["images"][0]["n"] == 32
    assert (folder / "index.html").exists()
    assert len((folder / "tables" / "training-losses.csv").read_text().splitlines()) == 1 + 3


def test_samples_are_measured_in_the_named_space_and_variety_in_pixels(tmp_path: Path) -> None:
    train_checkpoint(noise(120), tmp_path / "a.pt", TINY, feature_space="d:digits-dcgan")
    (analysis,) = json.loads((tmp_path / "a-training" / "report.json").read_text())["analyses"]
    captions = {block["name"]: block["caption"] for block in analysis["tables"] + analysis["figures"]}
    assert "in the space d:digits-dcgan:conv" in captions["measures"]
    assert "in the space pixels" in captions["signals"]


def test_where_the_default_space_cannot_be_had_pixels_stand_in_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_probe.feature_space.names.DEFAULTS", {1: "not-a-model"})
    train_checkpoint(noise(120), tmp_path / "a.pt", TINY)
    (analysis,) = json.loads((tmp_path / "a-training" / "report.json").read_text())["analyses"]
    assert any(note.startswith("Pixels stand in for the default feature space") for note in analysis["notes"])
    with pytest.raises(BadInputError, match="not-a-model"):
        train_checkpoint(noise(120), tmp_path / "b.pt", TINY, feature_space="d:not-a-model")
    assert not (tmp_path / "b.pt").exists()


def test_a_conditional_checkpoint_knows_the_classes(tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, width=4, z_size=8, batch_size=16, conditional=True)
    train_checkpoint(noise(labels=True), tmp_path / "a.pt", recipe)
    assert load_checkpoint(tmp_path / "a.pt")[0].card.classes == ("even", "odd")


@pytest.mark.parametrize(
    ("stored", "chosen"),
    [((8, 1), (16, 1)), ((16, 3), (16, 3)), ((28, 1), (28, 1)), ((30, 1), (32, 1)), ((200, 3), (128, 3))],
)
def test_size_and_channels_follow_the_data(tmp_path: Path, stored: tuple[int, int], chosen: tuple[int, int]) -> None:
    recipe = Recipe(epochs=1, width=1, z_size=2, batch_size=2)
    card = train_checkpoint(noise(2, *stored), tmp_path / "a.pt", recipe).card
    assert (card.image_size, card.channels) == chosen


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("I;16", 1)])
def test_a_folder_tells_its_own_size_and_channels(tmp_path: Path, mode: str, channels: int) -> None:
    for i, shape in enumerate([(20, 30), (24, 22), (40, 24)]):
        Image.new(mode, shape).save(tmp_path / f"{i}.png")
    (tmp_path / "damaged.png").write_bytes(b"<html>")
    assert open_data(tmp_path).train.native_shape() == (22, channels)


def test_a_folder_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"<html>")
    with pytest.raises(BadInputError, match="can be read"):
        open_data(tmp_path).train.native_shape()


def test_what_stands_there_is_kept_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "a.pt"
    out.write_bytes(b"precious")
    with pytest.raises(OutputError, match="already there"):
        train_checkpoint(noise(), out, TINY)
    assert out.read_bytes() == b"precious"
    train_checkpoint(noise(), out, TINY, force=True)
    train_checkpoint(noise(), out, TINY, force=True)
    assert load_checkpoint(out)[0].card.name == "a"


def test_an_output_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    steps: list[object] = []
    (tmp_path / "file").write_bytes(b"")
    for out in (tmp_path / "missing" / "a.pt", tmp_path, tmp_path / "file" / "a.pt"):
        with pytest.raises(OutputError):
            train_checkpoint(noise(), out, TINY, progress=lambda *at: steps.append(at))
    assert not steps


def test_training_that_fails_leaves_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="labels"):
        train_checkpoint(noise(), tmp_path / "a.pt", Recipe(epochs=1, width=4, conditional=True))
    assert not (tmp_path / "a.pt").exists()


def test_the_demo_checkpoint_knows_its_data_and_draws_every_digit() -> None:
    folder = Path(__file__).parents[2] / "models" / "digits-dcgan"
    gan = load_gan(LoadRequest(folder))
    train = open_data("digits").train.load(gan.card.image_size, gan.card.channels)
    assert gan.card.training["data"]["fingerprint"] == train.fingerprint
    samples = gan.to_uint8(gan.sample(gan.latent(300, np.random.default_rng(1))))
    nearest = KNeighborsClassifier(1).fit(train.images.reshape(len(train), -1), train.labels)
    assert np.bincount(nearest.predict(samples.reshape(300, -1)), minlength=10).min() >= 10
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_500_000


def test_a_folder_in_use_is_told_before_any_image_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gan_probe.training.checkpoint.choose_source", read)
    with ReportFolder(tmp_path / "a-training"), pytest.raises(InUseError, match="in use by another run"):
        train_checkpoint(noise(), tmp_path / "a.pt", TINY, resume=True)  # and no warning
