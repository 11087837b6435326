"""Every switch of the architecture: its shapes and counts, and that its checkpoints open again, also as ONNX."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.dcgan import SIZES, Guidelines, discriminator_stages, generator_stages
from gan_probe.features import pooled
from gan_probe.network import Network
from gan_probe.stage import Stage
from gan_probe.training import Recipe
from gan_probe.training.loop import train

if TYPE_CHECKING:
    from pathlib import Path

SWITCHES: dict[str, dict[str, object]] = {
    "paper": {},
    "pooling": {"resampling": "pooling"},
    "pooling, even kernel": {"resampling": "pooling", "kernel": 4},
    "pooling, depth 2": {"resampling": "pooling", "kernel": 3, "depth": 2},
    "no batch norm": {"batch_norm": "none"},
    "batch norm everywhere": {"batch_norm": "everywhere"},
    "dense": {"dense": 6},
    "relu": {"d_activation": "relu"},
    "sigmoid": {"output": "sigmoid"},
    "conditional": {"conditional": True},
    "release": {"recipe": "release"},
    "release, conditional": {"recipe": "release", "conditional": True, "dense": 6},
    "all at once": {
        "resampling": "pooling",
        "batch_norm": "none",
        "dense": 6,
        "d_activation": "relu",
        "output": "sigmoid",
    },
}


@settings(max_examples=40, deadline=None)
@given(
    size=st.sampled_from([size for size in SIZES if size <= 64]),
    kernel=st.sampled_from([3, 4, 5]),
    depth=st.sampled_from([1, 2]),
    classes=st.sampled_from([0, 3]),
    guidelines=st.builds(
        Guidelines,
        resampling=st.sampled_from(["strides", "pooling"]),
        batch_norm=st.sampled_from(["paper", "none", "everywhere"]),
        dense=st.sampled_from([0, 5]),
        output=st.sampled_from(["tanh", "sigmoid"]),
        by_unit=st.booleans(),
        affine=st.booleans(),
        labels_everywhere=st.booleans(),
    ),
)
def test_both_networks_fit_the_image_whatever_is_dropped(
    size: int, kernel: int, depth: int, classes: int, guidelines: Guidelines
) -> None:
    if depth == 2 and kernel == 4:
        return
    makes = generator_stages(size, 3, 7, 2, kernel, classes, depth, guidelines)
    judges = discriminator_stages(size, 3, 2, kernel, classes, depth, guidelines)
    assert all(Stage.from_dict(stage.to_dict()) == stage for stage in (*makes, *judges))
    labels = torch.tensor([0, 2]) if classes else None
    generator, discriminator = Network(makes, 1), Network(judges, size)
    with torch.no_grad():
        images = generator(torch.ones(2, 7), labels)
        assert images.shape == (2, 3, size, size)
        assert images.min() >= (0 if guidelines.output == "sigmoid" else -1)
        assert images.max() <= 1
        assert discriminator(images, labels).shape == (2, 1)
    smallest = next(layer.size for layer in generator.layers if layer.size > 1)
    assert smallest in (4, 5, 6, 7)
    assert [layer.size for layer in discriminator.layers if layer.kind == "conv"][-1] == smallest


def test_sizes_are_four_to_seven_times_a_power_of_two() -> None:
    assert SIZES == (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)


def test_the_releases_conditional_mnist_model_has_its_weights() -> None:
    # shapes in mnist/train_cond_dcgan.py: nz 100, ny 10, ngf = ndf = 64, 1024 dense units, 28 x 28 x 1
    recipe = Recipe(recipe="release", conditional=True)
    shape = (recipe.width, recipe.kernel, 10, recipe.depth, recipe.guidelines)
    generator = Network(generator_stages(28, 1, recipe.z_size, *shape), 1)
    discriminator = Network(discriminator_stages(28, 1, *shape), 28)
    assert [tuple(weight.shape) for weight in generator.parameters()] == [
        (1024, 100 + 10),
        (64 * 2 * 7 * 7, 1024 + 10),
        (64 * 2 + 10, 64, 5, 5),
        (64 + 10, 1, 5, 5),
    ]
    assert [tuple(weight.shape) for weight in discriminator.parameters()] == [
        (64, 1 + 10, 5, 5),
        (64 * 2, 64 + 10, 5, 5),
        (1024, 64 * 2 * 7 * 7 + 10),
        (1, 1024 + 10),
    ]
    assert {stage.norm for stage in generator.stages[:3]} == {"unit", "channel"}
    assert [stage.norm for stage in (generator.stages[-1], discriminator.stages[0], discriminator.stages[-1])] == [
        "none"
    ] * 3


def test_the_papers_64_pixel_networks_have_their_weights() -> None:
    generator = Network(generator_stages(64, 3, 100, 128, 5), 1)
    kernels = [100 * 16 * 1024, *(25 * a * b for a, b in ((1024, 512), (512, 256), (256, 128), (128, 3)))]
    norms = 2 * (1024 + 512 + 256 + 128)
    assert sum(weight.numel() for weight in generator.parameters()) == sum(kernels) + norms


def test_without_batch_norm_a_bias_takes_the_place_of_its_shift() -> None:
    with_norm = Network(discriminator_stages(16, 1, 4), 16)
    without = Network(discriminator_stages(16, 1, 4, guidelines=Guidelines(batch_norm="none")), 16)
    assert without.norms == {}
    shifted = {name.split(".")[0] for name, _ in with_norm.named_parameters() if name.endswith("norm.bias")}
    assert {name.split(".")[0] for name, _ in without.named_parameters() if name.endswith("op.bias")} == shifted


def trained(recipe: Recipe, size: int = 16) -> object:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (32, size, size, 1), np.uint8), rng.integers(0, 3, 32)
    return train(images, recipe, labels=labels, classes=("a", "b", "c"))[0]


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_a_checkpoint_of_every_switch_opens_again_and_as_onnx(switches: dict[str, object], tmp_path: Path) -> None:
    values = {"epochs": 1, "width": 3, "z_size": 5, "batch_size": 16, **switches}
    recipe = Recipe(**values)  # type: ignore[arg-type]
    gan = trained(recipe)
    save_checkpoint(gan, tmp_path / "a.pt")
    again = load_gan(LoadRequest(tmp_path / "a.pt"))
    assert (again.card.generator, again.card.discriminator) == (gan.card.generator, gan.card.discriminator)
    assert again.card.training["recipe"]["dense"] == recipe.dense
    z = gan.latent(6, np.random.default_rng(1))
    labels = torch.arange(6) % 3 if recipe.conditional else None
    images = gan.sample(z, labels)
    torch.testing.assert_close(again.sample(z, labels), images)
    low, high = gan.card.value_range
    assert images.min() >= low
    assert images.max() <= high
    assert low == (0 if recipe.output == "sigmoid" else -1)
    export_onnx(again, tmp_path / "onnx")  # compares every layer with torch's
    graph = load_gan(LoadRequest(tmp_path / "onnx"))
    torch.testing.assert_close(graph.sample(z, labels), images, atol=1e-4, rtol=1e-4)
    assert graph.card.value_range == gan.card.value_range


def test_info_tells_norms_without_gain(gan_probe_command: object, tmp_path: Path) -> None:
    for recipe, told in (("release", True), ("paper", False)):
        values = {"epochs": 1, "width": 3, "z_size": 5, "dense": 6, "conditional": True, "recipe": recipe}
        save_checkpoint(trained(Recipe(**values)), tmp_path / f"{recipe}.pt")  # type: ignore[arg-type]
        code, out, _ = gan_probe_command("info", tmp_path / f"{recipe}.pt")  # type: ignore[operator]
        assert code == 0
        assert ("batch norm without gain" in out) is told
        assert ("3 labels" in out.split("deconv1")[1].splitlines()[0]) is told


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_eps_of_1e_8_stays_finite_in_either_precision(precision: str) -> None:
    gan = trained(Recipe(recipe="release", epochs=2, width=3, z_size=5, batch_size=16, precision=precision))
    assert {stage.eps for stage in gan.card.generator if stage.norm != "none"} == {1e-8}
    assert torch.isfinite(gan.sample(gan.latent(8, np.random.default_rng(0)))).all()


@pytest.mark.parametrize("recipe", ["paper", "release"])
def test_conditional_samples_depend_on_their_labels(recipe: str) -> None:
    values = {"epochs": 1, "width": 3, "z_size": 5, "batch_size": 16, "dense": 6}
    gan = trained(Recipe(recipe=recipe, conditional=True, **values))  # type: ignore[arg-type]
    z = gan.latent(1, np.random.default_rng(1)).expand(3, -1)
    a, b, c = gan.sample(z, torch.arange(3))
    assert not torch.allclose(a, b)
    assert not torch.allclose(b, c)
    again, same, _ = gan.sample(z, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(again, same)


@pytest.mark.parametrize("size", [28, 48])
def test_images_between_powers_of_two_train_reload_and_pool_to_the_papers_grid(size: int, tmp_path: Path) -> None:
    gan = trained(Recipe(epochs=1, width=2, z_size=5, batch_size=16), size)
    save_checkpoint(gan, tmp_path / "a.pt")
    again = load_gan(LoadRequest(tmp_path / "a.pt"))
    images = again.to_uint8(again.sample(again.latent(4, np.random.default_rng(0))))
    assert images.shape == (4, size, size, 1)
    layers = [layer for layer in again.discriminator.layers if layer.kind == "conv"]
    features, columns = pooled(again, again.discriminator, images, [layer.name for layer in layers])
    assert [c.stop - c.start for c in columns] == [16 * layer.channels for layer in layers]
    # the maps' own maximum survives any pooling that covers the map
    found = again.discriminator.activations(again.from_uint8(images), [layers[-1].name])[layers[-1].name]
    last = features[:, columns[-1]].reshape(4, layers[-1].channels, 16)
    np.testing.assert_allclose(last.max(axis=2), found.amax((2, 3)).numpy(), rtol=1e-4, atol=1e-5)
    assert math.isfinite(features.sum())
