"""Guided backpropagation: the rule, against Captum, by hand, and through whatever bends there are."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gan_probe import BadInputError
from gan_probe.guided import Guided, guided_gradients
from gan_probe.network import Network
from gan_probe.stage import Stage
from gan_probe.testing import tiny_gan
from gan_probe.wrapped import Wrapped


def conv(inputs, outputs, activation="leaky_relu", norm="channel", **others):
    return Stage("conv", inputs, outputs, 3, 2, 1, activation=activation, norm=norm, **others)


def network(stages, seed=0):
    """A net with weights and statistics far from their initial values, in double precision."""
    net = Network(stages, 16).eval().double()
    torch.manual_seed(seed)
    for parameter in net.parameters():
        parameter.data.normal_(0, 0.5)
    for norm in net.norms.values():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return net


class Twin(nn.Module):
    """The same computation out of modules, as Captum's hooks need it."""

    def __init__(self, net, upto, bend):
        super().__init__()
        parts = []
        for stage in list(net.children())[:upto]:
            parts += [stage.op, stage.norm or nn.Identity(), bend()]
        self.parts = nn.Sequential(*parts)

    def forward(self, x):
        return self.parts(x)


def by_hand(net, upto, x, unit, slope):
    """Forward and backward written out, kernel by kernel."""
    stages = list(net.children())[:upto]
    before = []  # pre-activations
    for stage in stages:
        x = functional.conv2d(x, stage.op.weight, stage.op.bias, 2, 1)
        if stage.norm:
            gain = stage.norm.weight / (stage.norm.running_var + stage.norm.eps).sqrt()
            x = (x - stage.norm.running_mean[:, None, None]) * gain[:, None, None] + stage.norm.bias[:, None, None]
        before.append(x)
        x = torch.where(x > 0, x, slope * x)
    signal = torch.zeros_like(x)
    signal[unit] = 1
    for i, stage in reversed(list(enumerate(stages))):
        signal = signal.clamp(min=0) * (before[i] > 0)
        if stage.norm:
            gain = stage.norm.weight / (stage.norm.running_var + stage.norm.eps).sqrt()
            signal = signal * gain[:, None, None]
        size = (before[i - 1].shape if i else (1, 3, 16, 16))[-2:]
        padding = size[0] - ((before[i].shape[2] - 1) * 2 - 2 + 3)
        signal = functional.conv_transpose2d(signal, stage.op.weight, None, 2, 1, padding)
    return signal


STAGES = [conv(3, 6, norm="none", bias=True), conv(6, 8), conv(8, 5)]


def as_relu(stages):
    return [Stage.from_dict({**stage.to_dict(), "activation": "relu"}) for stage in stages]


def strongest(net, x, layer="conv3"):
    maps = net.reach(x, layer)
    filters = maps.amax(dim=(2, 3)).argmax(dim=1)  # (N,)
    chosen = maps[torch.arange(len(x)), filters]
    flat = chosen.flatten(1).argmax(dim=1)
    return filters.numpy(), np.stack([flat // maps.shape[3], flat % maps.shape[3]], axis=1)


def test_a_relu_net_gives_what_captum_gives():
    captum = pytest.importorskip("captum.attr")
    net = network(as_relu(STAGES))
    twin = Twin(net, 3, nn.ReLU).eval()
    x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
    filters, places = strongest(net, x)
    ours = guided_gradients(net, x, "conv3", filters, places)
    for i in range(4):
        with pytest.warns(UserWarning, match="backward hooks"):
            theirs = captum.GuidedBackprop(twin).attribute(
                x[i : i + 1].clone().requires_grad_(), (int(filters[i]), *(int(p) for p in places[i]))
            )
        torch.testing.assert_close(ours[i : i + 1], theirs)
        assert ours[i].abs().max() > 0


@pytest.mark.parametrize("slope", [0.2, 0.01])
def test_a_leaky_net_gives_what_the_rule_says_by_hand(slope):
    net = network([Stage.from_dict({**stage.to_dict(), "slope": slope}) for stage in STAGES])
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    filters, places = strongest(net, x)
    ours = guided_gradients(net, x, "conv3", filters, places)
    for i in range(3):
        unit = (0, int(filters[i]), *(int(p) for p in places[i]))
        torch.testing.assert_close(ours[i : i + 1], by_hand(net, 3, x[i : i + 1], unit, slope))


def test_the_plain_gradient_is_something_else():
    net = network(STAGES)
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    filters, places = strongest(net, x)
    units = net.reach(x, "conv3")[torch.arange(2), torch.as_tensor(filters), places[:, 0], places[:, 1]]
    (plain,) = torch.autograd.grad(units.sum(), x)
    guided = guided_gradients(net, x, "conv3", filters, places)
    assert (plain - guided).abs().max() > 0.1 * plain.abs().max()


def test_nothing_is_left_behind_also_after_an_error():
    net = network(STAGES)
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64, requires_grad=True)

    def plain():
        return torch.autograd.grad(net(x).sum(), x)[0]

    before = plain()
    with pytest.raises(RuntimeError), Guided():
        net(x[:, :1])  # too few channels, found out within
    with pytest.raises(KeyError):
        guided_gradients(net, x, "conv9", [0, 0])
    guided_gradients(net, x, "conv3", [0, 1], np.zeros((2, 2), int))
    assert torch.equal(plain(), before)
    assert not any(m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("bend", ["relu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "softplus"])
def test_every_rectifier_lets_positive_signals_through_at_positive_places_alone(bend):
    x = torch.tensor([-1.5, -0.1, 0.3, 2.0, -1.5, -0.1, 0.3, 2.0], requires_grad=True)
    signal = torch.tensor([1.0, 1, 1, 1, -1, -1, -1, -1])
    function = getattr(functional, bend)
    (plain,) = torch.autograd.grad(function(x), x, signal)
    with Guided():
        y = function(x)
    (guided,) = torch.autograd.grad(y, x, signal)
    torch.testing.assert_close(guided, torch.where((x > 0) & (signal > 0), plain, torch.zeros(8)))


def test_activations_in_place_and_of_modules_are_guided_alike():
    x = torch.randn(50, requires_grad=True)
    signal = torch.randn(50)
    with Guided():
        outputs = [functional.leaky_relu(x, 0.2), nn.LeakyReLU(0.2, inplace=True)(x + 0), functional.relu_(x + 0)]
        methods = [x.relu(), nn.PReLU(init=0.3)(x), functional.relu(input=x)]
    expected = signal.clamp(min=0) * (x > 0)
    for y in [*outputs, *methods]:
        torch.testing.assert_close(torch.autograd.grad(y, x, signal, retain_graph=True)[0], expected)


def test_tanh_and_sigmoid_keep_their_derivative():
    x, signal = torch.randn(20, requires_grad=True), torch.randn(20)
    for function in (torch.tanh, torch.sigmoid):
        with Guided():
            y = function(x)
        torch.testing.assert_close(torch.autograd.grad(y, x, signal)[0], torch.autograd.grad(function(x), x, signal)[0])


def test_a_class_of_anybodys_own_gives_what_its_stages_give():
    net = network(STAGES)
    twin = Twin(net, 3, lambda: nn.LeakyReLU(0.2, inplace=True)).eval()
    own = Wrapped(twin, torch.zeros(2, 3, 16, 16, dtype=torch.float64))
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    filters, places = strongest(net, x)
    ours = guided_gradients(own, x, own.layers[-1].name, filters, places)
    torch.testing.assert_close(ours, guided_gradients(net, x, "conv3", filters, places))


def test_images_do_not_influence_each_other():
    net = network(STAGES)
    x = torch.randn(5, 3, 16, 16, dtype=torch.float64)
    filters, places = strongest(net, x)
    together = guided_gradients(net, x, "conv3", filters, places)
    alone = [guided_gradients(net, x[i : i + 1], "conv3", filters[i : i + 1], places[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_a_unit_below_zero_has_no_positive_path():
    net = network(STAGES)
    x = torch.randn(1, 3, 16, 16, dtype=torch.float64)
    maps = net.reach(x, "conv3")[0]
    f, row, column = (maps == maps.min()).nonzero()[0].tolist()
    assert maps.min() < 0
    assert guided_gradients(net, x, "conv3", [f], np.array([[row, column]])).abs().max() == 0


def test_a_dense_unit_has_no_place_and_a_map_needs_one():
    gan = tiny_gan()
    x = torch.randn(2, 1, 16, 16)
    dense = guided_gradients(gan.discriminator, x, "dense1", [0, 0])
    assert dense.shape == x.shape
    with pytest.raises(BadInputError, match="row and a column"):
        guided_gradients(gan.discriminator, x, "conv1", [0, 0])


def test_a_network_that_normalises_by_its_batch_is_refused():
    net = network(STAGES)
    net.statistics = None
    with pytest.raises(BadInputError, match="recompute"):
        guided_gradients(net, torch.zeros(2, 3, 16, 16).double(), "conv3", [0, 0], np.zeros((2, 2), int))
