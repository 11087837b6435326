"""Training that goes on from another checkpoint's weights."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.data import Data, Split
from gan_probe.errors import BadInputError
from gan_probe.gan import GAN, Card
from gan_probe.network import Network, initialise
from gan_probe.stage import Stage
from gan_probe.testing import tiny_gan
from gan_probe.training import Recipe
from gan_probe.training.checkpoint import train_checkpoint
from gan_probe.training.loop import train
from gan_probe.training.source import InMemory
from gan_probe.training.untrained import trained_before

from .bars import QUICK, TINY, bars, distance_to_bars, samples
from .stopping import begin, data, everything, stopped
from .weights import differing, weights

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("even", "odd")
STILL = Recipe(epochs=1, batch_size=8, learning_rate=0.0)


def learnt(gan: GAN) -> dict[str, torch.Tensor]:
    """The parameters by name: no statistics."""
    return {
        f"{role}/{name}": parameter
        for role in ("generator", "discriminator")
        for name, parameter in getattr(gan, role).named_parameters()
    }


def noise(n: int = 16, size: int = 16, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def of_another_make() -> GAN:
    """What our recipes do not build: layer and instance norm, no statistics, PReLU, average pooling, latents of 3."""
    makes = [
        Stage("linear", 3, 8 * 16, norm="unit", statistics=False, shape=(8, 4, 4), activation="prelu", slopes=8),
        Stage("conv", 8, 4, 3, padding=1, upsample=2, norm="layer", activation="elu"),
        Stage("conv_transpose", 4, 1, 4, 2, padding=1, activation="tanh"),
    ]
    judges = [
        Stage("conv", 1, 4, 3, padding=1, pool=2, pooling="average", activation="leaky_relu", slope=0.1),
        Stage("conv", 4, 8, 4, 2, padding=1, norm="instance", activation="selu"),
        Stage("linear", 8 * 16, 1, bias=True),
    ]
    random = torch.Generator().manual_seed(0)
    generator, discriminator = initialise(Network(makes, 1), random), initialise(Network(judges, 16), random)
    card = Card("theirs", "foreign", 16, 1, z_size=3, z_distribution="normal", licence="CC BY 4.0", assumed=("z",))
    card = dataclasses.replace(card, generator=generator.stages, discriminator=discriminator.stages)
    return GAN(card, generator.eval().requires_grad_(False), discriminator.eval().requires_grad_(False))


def test_it_begins_with_the_weights_given_and_leaves_their_owner_alone() -> None:
    start = tiny_gan()
    before = {name: value.clone() for name, value in weights(start).items()}
    still, _ = train(noise(), STILL, start=start)
    assert differing(learnt(still), learnt(start)) == []
    moved, _ = train(noise(), dataclasses.replace(STILL, learning_rate=1e-3), start=start)
    assert differing(learnt(moved), learnt(start))
    assert differing(weights(start), before) == []
    assert not any(parameter.requires_grad for parameter in learnt(start).values())


def test_what_was_learnt_before_is_a_head_start() -> None:
    images, _ = bars(512)
    before, _ = train(images, dataclasses.replace(QUICK, epochs=30, kernel=4))
    once = dataclasses.replace(QUICK, epochs=1, kernel=4)
    further, fresh = train(images, once, start=before)[0], train(images, once)[0]
    assert distance_to_bars(samples(further)) < 0.8 * distance_to_bars(samples(fresh))


def test_networks_of_another_make_are_trained_as_they_are_and_can_be_saved(tmp_path: Path) -> None:
    start = of_another_make()
    gan, history = train(noise(), dataclasses.replace(STILL, learning_rate=1e-2, epochs=3), start=start)
    assert len(history.rows) == 3
    assert len(differing(learnt(gan), learnt(start))) > 10
    assert (gan.card.z_size, gan.card.z_distribution, gan.card.assumed) == (3, "normal", ())
    assert gan.generator.statistics is not None  # there were none
    save_checkpoint(gan, tmp_path / "a.pt")
    again = gan_probe.load(tmp_path / "a.pt")
    z = gan.latent(5, np.random.default_rng(0))
    assert torch.equal(again.sample(z), gan.sample(z))


def test_a_graph_of_onnx_is_trained_on(tmp_path: Path) -> None:
    from gan_probe.checkpoints.export import export_onnx

    start, _ = train(noise(), TINY)
    export_onnx(start, tmp_path / "graphs")
    opened = gan_probe.load(tmp_path / "graphs")
    still, _ = train(noise(), STILL, start=opened)
    assert differing(learnt(still), learnt(start)) == []


@pytest.mark.parametrize("name", ["faces_dcgan", "fashion_kermit0125", "fashion_syoopie4", "mnist_apaarraina"])
def test_strangers_checkpoints_are_trained_on(shared: Path, name: str) -> None:
    folder = shared / "weights" / name
    first = sorted(path for path in folder.rglob("*") if path.suffix in (".pt", ".pth"))
    generator = next(path for path in first if "gen" in path.name.lower() or "netg" in path.name.lower())
    discriminator = next(path for path in first if "dis" in path.name.lower() or "netd" in path.name.lower())
    start = gan_probe.load(generator=generator, discriminator=discriminator)
    size, channels = start.card.image_size, start.card.channels
    still, history = train(noise(8, size, channels), STILL, start=start)
    assert differing(learnt(still), learnt(start)) == []
    row = history.rows[0]
    assert 0 < row.d_fake < 1
    assert np.isfinite(row.g_gradient)


def test_the_authors_release_is_trained_on(shared: Path) -> None:
    start = gan_probe.load(shared / "weights" / "dcgan_code_svhn")
    still, _ = train(noise(8, 32, 3), STILL, start=start)
    assert differing(learnt(still), learnt(start)) == []
    assert still.discriminator.statistics is not None


@pytest.mark.parametrize(
    ("change", "images", "named"),
    [
        ({"discriminator": None}, noise(), "no discriminator: to be trained on, a GAN needs both"),
        ({"generator": torch.nn.Linear(3, 3)}, noise(), "generator of tiny is no plain chain of layers"),
        ({}, noise(size=32), "images are 32x32, the networks' are 16x16"),
        ({}, noise(channels=3), "images of 1 channels, the data of 3"),
    ],
)
def test_what_cannot_be_trained_on_is_named(change: dict[str, Any], images: np.ndarray, named: str) -> None:
    start = dataclasses.replace(tiny_gan(), **change)
    start.card = dataclasses.replace(start.card, name="tiny")
    with pytest.raises(BadInputError, match=named) as caught:
        train(images, STILL, start=start)
    assert len(str(caught.value)) <= 200


def test_a_discriminator_that_ends_in_a_sigmoid_is_refused() -> None:
    start = of_another_make()
    start.discriminator.stages = (*start.discriminator.stages[:-1], Stage("linear", 128, 1, activation="sigmoid"))
    with pytest.raises(BadInputError, match="discriminator of theirs ends in a sigmoid"):
        trained_before(InMemory(noise()), start)


def test_the_classes_of_a_conditional_gan_are_those_of_the_data() -> None:
    images, labels = bars(64)
    recipe = dataclasses.replace(TINY, conditional=True)
    start, _ = train(images, recipe, labels=labels, classes=("left", "right"))
    named: dict[str, Any] = {"labels": labels, "classes": ("left", "right")}
    still, _ = train(images, STILL, start=start, **named)  # the recipe need not say that it is conditional
    assert still.card.classes == ("left", "right")
    assert differing(learnt(still), learnt(start)) == []
    with pytest.raises(BadInputError, match="knows the classes left, right; the data has up, down"):
        train(images, STILL, start=start, labels=labels, classes=("up", "down"))
    with pytest.raises(BadInputError, match="needs labels"):
        trained_before(InMemory(images), start)


def test_the_card_names_what_it_began_with_and_hands_its_licence_on(tmp_path: Path) -> None:
    start = of_another_make()
    start.card = dataclasses.replace(start.card, sha256="f00", training_data="their photos")
    photos = Data("noise", Split.from_arrays("noise", noise(24, 20, 3)))  # resized, and made grey, for the networks
    gan = train_checkpoint(photos, tmp_path / "a.pt", STILL, start=start)
    origin = {"name": "theirs", "sha256": "f00", "trained_on": "their photos", "licence": "CC BY 4.0"}
    assert gan.card.training["from"] == origin
    assert gan.card.licence == "CC BY 4.0"
    assert (gan.card.name, gan.card.training_data) == ("a", "noise")
    assert "width" not in gan.card.training["recipe"]  # the checkpoint's, not the recipe's 128
    assert "Begun with the weights of theirs." in (tmp_path / "a-training" / "report.json").read_text()
    later = train_checkpoint(photos, tmp_path / "b.pt", STILL, start=gan_probe.load(tmp_path / "a.pt"))
    assert later.card.training["from"]["from"] == origin


def test_a_resumed_one_ends_with_the_same_tensors_and_only_with_the_same_beginning(tmp_path: Path) -> None:
    start, _ = train(noise(), dataclasses.replace(TINY, conditional=True), labels=np.arange(16) % 2, classes=CLASSES)
    recipe = Recipe(epochs=3, batch_size=8, learning_rate=2e-3)
    for name in ("whole", "parted"):
        (tmp_path / name).mkdir()
    begin(tmp_path / "whole", recipe, start=start)
    stopped(tmp_path / "parted", 7, recipe, start=start)
    other = dataclasses.replace(start, card=dataclasses.replace(start.card, sha256="other"))
    for wrong in ({}, {"start": other}):
        with pytest.raises(BadInputError, match="was begun with from"):
            train_checkpoint(data(), tmp_path / "parted" / "a.pt", recipe, resume=True, **wrong)
    begin(tmp_path / "parted", recipe, start=start, resume=True)
    assert differing(everything(tmp_path / "parted"), everything(tmp_path / "whole")) == []


def test_options_of_the_architecture_are_refused_beside_a_checkpoint(gan_probe_command: Any) -> None:
    code, _, err = gan_probe_command(
        "train", "--data", "digits", "--out", "a.pt", "--from", "digits-dcgan", "--z-size", 3
    )
    assert code == 2
    assert "--z-size belongs to the architecture, which is that of --from digits-dcgan: leave --z-size out" in err
