"""Editing a layer: the edit is the one asked for, reaches what is behind it, and is gone afterwards."""

import pytest
import torch
from torch import nn

from gan_probe.editing import edited
from gan_probe.gan import GAN
from gan_probe.testing import tiny_gan
from gan_probe.wrapped import Wrapped

Z = torch.linspace(-1, 1, 3 * 8).reshape(3, 8)


class Stranger(nn.Module):
    """Somebody's generator, whose second activation is a plain function."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first = nn.Sequential(nn.ConvTranspose2d(8, 6, 4), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
            self.second = nn.ConvTranspose2d(6, 4, 4, 2, 1)
            self.third = nn.ConvTranspose2d(4, 1, 4, 2, 1)

    def forward(self, z):
        return torch.tanh(self.third(torch.relu(self.second(self.first(z)))))


def stranger():
    return Wrapped(Stranger().eval().requires_grad_(False), Z[:, :, None, None])


def by_hand(net, layer, change):
    """What a stack of stages makes of Z where `change` is made behind one of them, computed without any hook."""
    x = Z
    for name, stage in net.named_children():
        x = stage(x)
        if name == layer:
            x = change(x)
    return x


def hooks(net):
    return [h for m in net.modules() for h in (*m._forward_hooks.values(), *m._forward_pre_hooks.values())]


@pytest.mark.parametrize("layer", ["dense1", "deconv1"])
def test_dropped_maps_are_zero_and_all_behind_them_is_as_if_computed_by_hand(layer):
    net = tiny_gan().generator
    kept = torch.ones(next(known.channels for known in net.layers if known.name == layer))
    kept[[0, 2]] = 0
    with edited(net, layer, drop=[2, 0]):
        read, image = net.activations(Z, [layer])[layer], net(Z)
    assert not read[:, [0, 2]].any()
    assert read[:, 1].any()
    torch.testing.assert_close(image, by_hand(net, layer, lambda x: x * kept[:, None, None]), rtol=0, atol=0)


def test_what_is_added_comes_behind_what_is_dropped():
    net = tiny_gan().generator
    with edited(net, "dense1", drop=[0], add=torch.full((1, 4, 4), 0.5)):
        read = net.activations(Z, ["dense1"])["dense1"]
    plain = net.activations(Z, ["dense1"])["dense1"]
    assert (read[:, 0] == 0.5).all()
    torch.testing.assert_close(read[:, 1:], plain[:, 1:] + 0.5)


@pytest.mark.parametrize("make", [lambda: tiny_gan().generator, stranger])
def test_the_network_is_as_before_also_after_an_error(make):
    net = make()
    before, layer = net(Z), net.layers[0].name

    def fail():
        with edited(net, layer, drop=[0]):
            assert not torch.equal(net(Z), before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert hooks(net) == []
    assert torch.equal(net(Z), before)


@pytest.mark.parametrize("number", [0, 1])
def test_a_strangers_layer_is_edited_behind_its_activation_be_it_a_module_or_a_function(number):
    net = stranger()
    layer, last = net.layers[number].name, net.layers[-1].name
    plain = net.module
    with edited(net, layer, drop=[1]):
        read, image = net.activations(Z, [layer, last]), net(Z)
    x = plain.first(Z[:, :, None, None])
    if number == 0:
        x[:, 1] = 0
    x = torch.relu(plain.second(x))
    if number == 1:
        x[:, 1] = 0
    torch.testing.assert_close(image, torch.tanh(plain.third(x)), rtol=0, atol=0)
    assert not read[layer][:, 1].any()
    assert torch.equal(read[last], image)


def test_edits_nest():
    for net in (tiny_gan().generator, stranger()):
        layer = net.layers[0].name
        with edited(net, layer, drop=[0, 1]):
            both = net(Z)
        with edited(net, layer, drop=[0]), edited(net, layer, drop=[1]):
            assert torch.equal(net(Z), both)


def test_samples_shared_by_a_run_are_not_taken_for_those_of_the_edited_network():
    from gan_probe import Context

    for net in (tiny_gan().generator, stranger()):
        gan, ctx = GAN(tiny_gan().card, net), Context()
        plain = ctx.samples(gan, 4).images
        with edited(net, net.layers[0].name, drop=[0, 1]):
            assert not torch.equal(ctx.samples(gan, 4).images, plain)
        assert torch.equal(ctx.samples(gan, 4).images, plain)


def test_gradients_flow_through_an_edit():
    net = tiny_gan().generator
    z = Z.clone().requires_grad_()
    with edited(net, "deconv1", drop=[0]):
        net(z).sum().backward()
    assert z.grad.abs().sum() > 0


def test_what_cannot_be_edited_is_refused_in_one_line(refused):
    net = tiny_gan().generator

    def use(network, layer, **edit):
        with edited(network, layer, **edit):
            network(Z)

    class Elsewhere:
        layers = net.layers

    assert "torch" in refused(use, Elsewhere(), "dense1", drop=[0])
    assert "dense1, deconv1" in refused(use, net, "conv9", drop=[0])
    assert "maps 0 to 7" in refused(use, net, "dense1", drop=[8])
    assert "must fit" in refused(use, net, "dense1", add=torch.zeros(3, 7))
    assert hooks(net) == []
