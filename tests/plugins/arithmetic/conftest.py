"""A world whose truth is known: z's first numbers are the attributes that the images show, and judges that err never.

An image is 16x16 and grey: its upper half is light where z0 > 0, its lower half where z1 > 0, and a bright bar stands
where z2 says, so that images do not lie over each other. The other numbers of z do nothing.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from gan_probe import GAN, Card
from gan_probe.data import Data, Split
from gan_probe.judge import Judge
from gan_probe.measures.intervals import proportion

SIZE = 16
CLASSES = {"upper": ("dark", "light"), "lower": ("dim", "lit")}


def linear(z):
    return z[:, 0], z[:, 1]


def tangled(z):
    return torch.sign(z[:, 0]) * z[:, 1], torch.sign(z[:, 0]) * z[:, 3]  # no axis of z is an attribute


def deaf(z):
    return torch.zeros(len(z)) + 0.4, torch.zeros(len(z)) - 0.4


class Bars(torch.nn.Module):
    """A generator of such images; `attributes` says which numbers the halves follow."""

    layers = ()
    statistics = None

    def __init__(self, attributes):
        super().__init__()
        self.attributes = attributes
        self.unused = torch.nn.Parameter(torch.zeros(1), requires_grad=False)  # tells its device

    def forward(self, z, labels=None):  # noqa: ARG002  # as a generator is called
        upper, lower = (0.5 * torch.tanh(4 * value) for value in self.attributes(z))
        level = torch.cat([upper[:, None].expand(-1, SIZE // 2), lower[:, None].expand(-1, SIZE // 2)], 1)  # (N, H)
        middle = (SIZE - 1) / 2 * (1 + 0.8 * z[:, 2].clamp(-1, 1))
        bar = torch.exp(-((torch.arange(SIZE) - middle[:, None]) ** 2))  # (N, W)
        return (level[:, :, None] * (1 - bar[:, None]) + bar[:, None])[:, None]

    def random_twin(self, generator):  # noqa: ARG002  # as the protocol has it
        return None


class Half(torch.nn.Module):
    """Logits of a half's level, read at its darkest columns, where no bar is; sure soon beyond the threshold."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows
        self.unused = torch.nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, x):
        level = x[:, 0, self.rows].mean(1).median(1).values  # (N,)
        return torch.stack([-10 * level, 10 * level], 1)


def judge_of(name):
    rows = slice(0, SIZE // 2) if name == "upper" else slice(SIZE // 2, SIZE)
    sure = proportion(100, 100)
    return Judge(name, CLASSES[name], sure, 100, 100, np.diag([50, 50]), SIZE, 1, Half(rows))


@pytest.fixture(scope="module")
def bars():
    """Makes the GAN, by what its attributes follow; judges named upper and lower are opened without training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan_probe_plugins.concepts.open_judge", lambda spec, *_: judge_of(spec))
        patch.setattr("gan_probe_plugins.concepts.judge_classes", lambda spec, *_: CLASSES[spec])
        yield maker()


def maker():
    def make(attributes=linear):
        card = Card("bars", "made by a test", SIZE, 1, z_size=6, sha256="b" * 64)
        return GAN(card, Bars(attributes).eval())

    make.linear, make.tangled, make.deaf = linear, tangled, deaf
    return make


@pytest.fixture(scope="module")
def bars_data():
    """Images of the world, labelled by both halves."""
    z = torch.from_numpy(np.random.default_rng(9).uniform(-1, 1, (1500, 6)).astype(np.float32))
    gan = GAN(Card("bars", "made by a test", SIZE, 1, z_size=6), Bars(linear))
    labels = 2 * (z[:, 0] > 0).numpy().astype(np.int64) + (z[:, 1] > 0).numpy()
    images = gan.to_uint8(gan.sample(z))
    return Data("bars", Split.from_arrays("bars", images, labels, ("dark dim", "dark lit", "light dim", "light lit")))


@pytest.fixture
def conditional(bars):
    gan = bars()
    return dataclasses.replace(gan, card=dataclasses.replace(gan.card, classes=("a", "b")))
