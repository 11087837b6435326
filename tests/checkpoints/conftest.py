"""A handful of architectures and inputs for them, and a file to damage where memory is limited."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from gan_probe.checkpoints.export import export_onnx
from gan_probe.features import recalibrate
from gan_probe.gan import GAN
from gan_probe.network import Network, initialise
from gan_probe.testing import tiny_gan


def unit_norm() -> GAN:
    """As the authors' release: batch norm per unit behind the dense layer, eps 1e-8, z normal."""
    gan = tiny_gan(seed=3, kernel=5)
    card = dataclasses.replace(gan.card, z_distribution="normal")
    first, *rest = card.generator
    stages = (dataclasses.replace(first, norm="unit", eps=1e-8), *rest)
    generator = initialise(Network(stages, 1), torch.Generator().manual_seed(3)).eval().requires_grad_(False)
    gan = GAN(dataclasses.replace(card, generator=stages), generator, gan.discriminator)
    generator.statistics = recalibrate(generator, [gan.latent(64, np.random.default_rng(0))])
    return gan


ARCHITECTURES: dict[str, Callable[[], GAN]] = {
    "grey 16 px, 4x4 kernels": lambda: tiny_gan(seed=1),
    "colour 32 px, six 3x3 layers": lambda: tiny_gan(seed=2, image_size=32, channels=3, kernel=3, depth=2),
    "conditional": lambda: tiny_gan(seed=4, classes=3),
    "norm per unit": unit_norm,
}


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def gan(request):
    return ARCHITECTURES[request.param]()


class Same:
    """Asserts that two GANs give the same images, scores, activations and batch moments."""

    def __init__(self, gan: GAN, n: int = 5) -> None:
        self.gan = gan
        self.z = gan.latent(n, np.random.default_rng(9))
        self.labels = torch.arange(n) % len(gan.card.classes) if gan.card.classes else None
        self.images = gan.sample(self.z, self.labels)

    def as_(self, other: GAN, atol: float) -> None:
        torch.testing.assert_close(other.sample(self.z, self.labels), self.images, atol=atol, rtol=0)
        for role, x in (("generator", self.z), ("discriminator", self.images)):
            ours, theirs = getattr(self.gan, role), getattr(other, role)
            assert theirs.layers == ours.layers
            names = [layer.name for layer in ours.layers]
            a, b = (net.activations(x, names, self.labels) for net in (ours, theirs))
            assert list(b) == names
            for name in names:
                torch.testing.assert_close(b[name], a[name], atol=atol, rtol=0)
            torch.testing.assert_close(theirs(x, self.labels), ours(x, self.labels), atol=atol, rtol=0)
            for a, b in (
                (ours.moments(x, self.labels), theirs.moments(x, self.labels)),
                (ours.statistics, theirs.statistics),
            ):
                assert a.keys() == b.keys()
                for name in a:
                    torch.testing.assert_close(b[name].mean, a[name].mean, atol=atol, rtol=0)
                    torch.testing.assert_close(b[name].variance, a[name].variance, atol=atol, rtol=0)


@pytest.fixture(scope="module")
def same(gan):
    return Same(gan)


@pytest.fixture
def little_memory():
    """A guard that fails is a MemoryError here, not the end of everything else on the machine."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size + 4 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A discriminator's ONNX file as we write it."""
    return export_onnx(tiny_gan(width=1), tmp_path_factory.mktemp("onnx"))[1].read_bytes()


@pytest.fixture
def proto(exported):
    """The same, to be changed."""
    return onnx.load_model_from_string(exported)
