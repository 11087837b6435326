"""Real checkpoints through each of our formats and back: the same images and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gan_probe import load
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.folder import save_folder
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.gan import GAN, Card
from gan_probe.network import Network, initialise
from gan_probe.stage import Stage

TOLERANCE = 1e-4
PAIRS = {
    **{f"faces {k or 'last'}": f"faces_dcgan/generator{k}.pt" for k in ("", "05", "11", "2", "40")},
    "kermit": "fashion_kermit0125/generator.pth",
    "syoopie": "fashion_syoopie4/generator.pt",
    "apaar": "mnist_apaarraina/generator.pth",
    "release": "dcgan_code_svhn",
}
FORMATS = {
    "gan.pt": save_checkpoint,
    "folder": save_folder,
    "onnx": export_onnx,
}


def opened(path: Path) -> GAN:
    if path.is_dir():
        return load(path)
    return load(generator=path, discriminator=path.with_name(path.name.replace("generator", "discriminator")))


def differences(gan: GAN, back: GAN) -> tuple[float, float]:
    """The largest difference of images, and of scores in the unit of the largest where that is above 1."""
    z = gan.latent(16, np.random.default_rng(0))
    images = gan.sample(z)
    noise = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, images.shape).astype(np.float32))
    kept = gan.discriminator.statistics
    if kept is None and back.discriminator.statistics is not None:
        gan.discriminator.statistics = back.discriminator.statistics  # an ONNX file has to hold some
    try:
        with torch.no_grad():
            pairs = [(gan.discriminator(x), back.discriminator(x)) for x in (images, noise)]
    finally:
        gan.discriminator.statistics = kept
    assert all(float(a.std()) > 0 for a, _ in pairs)
    scores = max(float((a - b).abs().max() / a.abs().max().clamp(min=1)) for a, b in pairs)
    return float((images - back.sample(z)).abs().max()), scores


def check(gan: GAN, folder: Path) -> dict[str, tuple[float, float]]:
    found = {}
    for name, write in FORMATS.items():
        write(gan, folder / name)
        back = load(folder / name)
        assert (back.card.image_size, back.card.channels, back.card.z_size, back.card.z_distribution) == (
            gan.card.image_size,
            gan.card.channels,
            gan.card.z_size,
            gan.card.z_distribution,
        )
        found[name] = differences(gan, back)
        assert max(found[name]) <= TOLERANCE, f"{name}: {found[name]}"
    return found


def test_a_strangers_pair_comes_back_the_same_from_each_format(shared, tmp_path):
    check(opened(shared / "weights" / PAIRS["syoopie"]), tmp_path)


@pytest.mark.slow  # a minute or two; prints the largest differences
@pytest.mark.parametrize("name", PAIRS)
def test_every_real_pair_comes_back_the_same_from_each_format(shared, tmp_path, name):
    print(name, check(opened(shared / "weights" / PAIRS[name]), tmp_path))


def test_a_discriminator_that_begins_dense_is_written_for_images(tmp_path):
    card = Card(
        "dense", "test", 8, 3, discriminator=(Stage("linear", 192, 16, activation="relu"), Stage("linear", 16, 1))
    )
    net = initialise(Network(card.discriminator, 8), torch.Generator().manual_seed(0)).eval()
    export_onnx(GAN(card, discriminator=net), tmp_path / "d.onnx")
    x = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(load(tmp_path / "d.onnx").discriminator(x), net(x))
