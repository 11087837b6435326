"""The networks: geometry, initialisation, batch-norm statistics, conditioning."""

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe import BadInputError
from gan_probe.dcgan import SIZES, discriminator_stages, generator_stages
from gan_probe.features import recalibrate, recalibrated
from gan_probe.network import Network, initialise
from gan_probe.stage import Stage


@settings(max_examples=25, deadline=None)
@given(
    size=st.sampled_from(SIZES),
    channels=st.integers(1, 4),
    z_size=st.integers(1, 20),
    kernel=st.sampled_from([3, 4, 5]),
    classes=st.sampled_from([0, 3]),
    depth=st.sampled_from([1, 2]),
)
def test_generator_and_discriminator_fit_each_other_at_every_size(size, channels, z_size, kernel, classes, depth):
    if depth == 2 and kernel == 4:
        return
    generator = Network(generator_stages(size, channels, z_size, 2, kernel, classes, depth), 1)
    discriminator = Network(discriminator_stages(size, channels, 2, kernel, classes, depth), size)
    labels = torch.tensor([0, 2]) if classes else None
    images = generator(torch.zeros(2, z_size), labels)
    assert images.shape == (2, channels, size, size)
    assert images.abs().max() <= 1
    assert discriminator(images, labels).shape == (2, 1)
    for layer, stage in zip(discriminator.layers, discriminator.stages, strict=True):
        found = discriminator.activations(images, [layer.name], labels)[layer.name]
        assert found.shape[1] == layer.channels == stage.channels


def test_the_six_layer_network_has_the_papers_28_672_features():
    network = Network(discriminator_stages(32, 3, 128, 3, depth=2), 32)
    convolutions = [layer for layer in network.layers if layer.kind == "conv"]
    assert [layer.channels for layer in convolutions] == [128, 128, 256, 256, 512, 512]
    assert [layer.size for layer in convolutions] == [32, 16, 16, 8, 8, 4]
    assert sum(layer.channels * 16 for layer in convolutions) == 28_672


def test_weights_are_drawn_as_in_the_paper_without_touching_the_global_state():
    before = torch.get_rng_state()
    network = initialise(Network(discriminator_stages(32, 3, 32), 32), torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())
    kernel = network.get_parameter("conv2.op.weight")
    gain = network.get_parameter("conv2.norm.weight")
    assert kernel.std().item() == pytest.approx(0.02, rel=0.05)
    assert kernel.mean().item() == pytest.approx(0, abs=1e-3)
    assert gain.mean().item() == pytest.approx(1, abs=0.02)
    assert network.get_parameter("conv2.norm.bias").abs().max() == 0


def test_a_random_twin_has_the_same_layers_and_other_weights():
    network = initialise(Network(discriminator_stages(16, 1, 4), 16), torch.Generator().manual_seed(0))
    twin = network.random_twin(torch.Generator().manual_seed(1))
    assert twin.layers == network.layers
    assert not torch.equal(twin.get_parameter("conv1.op.weight"), network.get_parameter("conv1.op.weight"))


def test_moments_are_those_of_training_mode():
    network = initialise(Network(discriminator_stages(32, 3, 4), 32), torch.Generator().manual_seed(0))
    x = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = network.moments(x)
    for norm in network.norms.values():
        norm.momentum = 1.0  # the running averages become this batch's own
    network.train()(x)
    for name, norm in network.norms.items():
        n = x.shape[0] * next(layer.size for layer in network.layers if layer.name == name) ** 2
        torch.testing.assert_close(found[name].mean, norm.running_mean)
        torch.testing.assert_close(found[name].variance * n / (n - 1), norm.running_var)  # torch stores the unbiased


def test_recalibration_is_the_unweighted_mean_over_batches_and_leaves_no_trace():
    network = initialise(Network(discriminator_stages(16, 1, 4), 16), torch.Generator().manual_seed(0)).eval()
    batches = list(torch.randn(3, 8, 1, 16, 16, generator=torch.Generator().manual_seed(1)))
    expected = torch.stack([network.moments(b)["conv2"].variance for b in batches]).mean(0)
    before = network.statistics
    with contextlib.suppress(ZeroDivisionError), recalibrated(network, batches):
        torch.testing.assert_close(network.statistics["conv2"].variance, expected)
        raise ZeroDivisionError
    for name, moments in network.statistics.items():
        assert torch.equal(moments.mean, before[name].mean)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    torch.testing.assert_close(recalibrate(network, batches)["conv2"].variance, expected)


def test_without_statistics_the_batch_normalises_itself():
    network = initialise(Network(discriminator_stages(16, 1, 4), 16), torch.Generator().manual_seed(0)).eval()
    network.statistics = None
    x = torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    alone, together = network(x[:4]), network(x)[:4]
    assert not torch.allclose(alone, together)
    network.statistics = recalibrate(network, [x])
    torch.testing.assert_close(network(x[:4]), together, atol=1e-5, rtol=1e-4)


def test_a_conditional_network_listens_to_its_labels_and_asks_for_them():
    network = initialise(Network(generator_stages(16, 1, 4, 4, 4, classes=3), 1), torch.Generator().manual_seed(0))
    z = torch.zeros(2, 4)
    network.eval()
    a, b = network(z, torch.tensor([0, 1]))
    assert not torch.equal(a, b)
    with pytest.raises(BadInputError, match="conditional"):
        network(z)


def test_a_stage_survives_its_own_plain_data():
    for stage in (*generator_stages(32, 3, 7, 4, 5, classes=2), *discriminator_stages(32, 3, 4, 3, depth=2)):
        assert Stage.from_dict(stage.to_dict()) == stage


@pytest.mark.parametrize(
    "data",
    [
        {"op": "conv"},
        {"op": "pool", "inputs": 1, "outputs": 1},
        {"op": "conv", "inputs": -1, "outputs": 1},
        {"op": "conv", "inputs": 1.5, "outputs": 1},
        {"op": "linear", "inputs": 1, "outputs": 9, "shape": [2, 2, 2]},
        {"op": "conv", "inputs": 1, "outputs": 1, "activation": "swish"},
        {"op": "conv", "inputs": 1, "outputs": 1, "colour": "red"},
        {"op": "linear", "inputs": 1, "outputs": 8, "shape": ["2", 2, 2]},
        {"op": "conv", "inputs": 1, "outputs": 1, "bias": "no"},
        {"op": "conv", "inputs": 1, "outputs": 1, "statistics": 1},
        {"op": "conv", "inputs": 1, "outputs": 1, "eps": "0.1"},
        {"op": "conv", "inputs": 1, "outputs": 1, "eps": float("nan")},
        {"op": "conv", "inputs": 1, "outputs": 1, "slope": 10**400},
        ["op"],
    ],
)
def test_a_senseless_stage_is_refused(data):
    with pytest.raises(BadInputError, match="architecture"):
        Stage.from_dict(data)


def test_an_architecture_that_does_not_fit_is_refused_by_the_name_of_its_layer():
    with pytest.raises(BadInputError, match="conv1"):
        Network([Stage("conv", 1, 1, kernel=7)], 4)


@pytest.mark.parametrize("arguments", [{"image_size": 36}, {"kernel": 7}, {"kernel": 4, "depth": 2}])
def test_impossible_recipes_are_refused(arguments):
    with pytest.raises(BadInputError):
        generator_stages(**arguments)


def test_stated_kernels_act_as_cross_correlation():
    # the authors' release flips them; here the truth is torch's own convention, checked against a loop
    rng = np.random.default_rng(0)
    network = Network([Stage("conv", 1, 1, kernel=3, padding=1)], 4)
    kernel, image = rng.normal(size=(3, 3)), rng.normal(size=(4, 4))
    network.get_parameter("conv1.op.weight").data.copy_(torch.from_numpy(kernel)[None, None])
    padded = np.pad(image, 1)
    expected = [[(padded[i : i + 3, j : j + 3] * kernel).sum() for j in range(4)] for i in range(4)]
    found = network(torch.from_numpy(image).float()[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
