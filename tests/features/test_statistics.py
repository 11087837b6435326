from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_probe.errors import BadInputError
from gan_probe.features import recalibrate, recalibrated
from gan_probe.testing import tiny_gan

IMAGES = torch.randn(22, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_statistics_are_the_unweighted_mean_over_whole_batches():
    net = tiny_gan().discriminator
    found = recalibrate(net, IMAGES.split(8))["conv2"]  # 8, 8 and a short 6, which is dropped
    each = []
    for batch in IMAGES.split(8)[:2]:
        before = net.activations(batch, ["conv1"])["conv1"].double()
        each.append(torch.nn.functional.conv2d(before, net.conv2.op.weight.double(), stride=2, padding=1).numpy())
    np.testing.assert_allclose(found.mean, np.mean([x.mean((0, 2, 3)) for x in each], 0), atol=1e-6)
    np.testing.assert_allclose(found.variance, np.mean([x.var((0, 2, 3)) for x in each], 0), rtol=1e-4)


def test_a_single_short_batch_counts_and_no_batch_is_an_error():
    net = tiny_gan().discriminator
    assert recalibrate(net, [IMAGES[:3]]).keys() == {"conv2"}
    for nothing in ([], [IMAGES[:0]]):
        with pytest.raises(BadInputError, match="no images"):
            recalibrate(net, nothing)


@pytest.mark.parametrize("stored", [True, False])
def test_the_old_statistics_come_back_also_after_an_error(stored):
    net = tiny_gan().discriminator
    if not stored:
        net.statistics = None
    before = net(IMAGES)

    def fail():
        with recalibrated(net, [IMAGES]) as statistics:
            assert torch.equal(net.statistics["conv2"].mean, statistics["conv2"].mean)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert (net.statistics is not None) == stored
    assert torch.equal(net(IMAGES), before)


def test_a_tiny_gan_is_the_same_for_the_same_arguments_and_calibrated():
    a, b, other = tiny_gan(seed=1, classes=3), tiny_gan(seed=1, classes=3), tiny_gan(seed=2, classes=3)
    z, labels = a.latent(64, np.random.default_rng(1)), torch.arange(64) % 3
    assert a.card == b.card
    assert torch.equal(a.sample(z, labels), b.sample(z, labels))
    assert not torch.equal(a.sample(z, labels), other.sample(z, labels))
    statistics, moments = a.generator.statistics, a.generator.moments(a.latent(64, np.random.default_rng(1)), labels)
    for name in statistics:
        torch.testing.assert_close(statistics[name].variance, moments[name].variance)
