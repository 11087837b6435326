"""ONNX files, torch's exporters' and our own, are rebuilt as torch networks with the same layers and gradients."""

from __future__ import annotations

import dataclasses
import logging
import warnings

import pytest
import torch
from torch import nn

from gan_probe import load
from gan_probe.checkpoints.export import export_onnx
from gan_probe.gan import GAN
from gan_probe.network import Network, initialise
from gan_probe.stage import Stage
from gan_probe.testing import tiny_gan


def trained(net: nn.Module, *shape: int) -> nn.Module:
    """With batch-norm statistics of its own, so that a norm lost or misplaced shows."""
    torch.manual_seed(0)
    net.train()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        for _ in range(10):
            net(torch.randn(16, *shape))
    return net.eval()


class Dense(nn.Module):
    """A dense stem, its norm and bend on either side of the reshape."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = order
        self.stem, self.out = nn.Linear(16, 128), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.by_unit, self.by_map = nn.BatchNorm1d(128), nn.BatchNorm2d(8)

    def forward(self, z):
        x = self.stem(z)
        if self.order == "unit norm":
            x = torch.relu(self.by_unit(x)).view(-1, 8, 4, 4)
        elif self.order == "map norm":
            x = nn.functional.leaky_relu(self.by_map(x.view(-1, 8, 4, 4)), 0.2)
        else:
            x = self.by_map(nn.functional.elu(x).view(-1, 8, 4, 4))
        return torch.tanh(self.out(x))


def enlarging(mode):
    return nn.Sequential(
        nn.ConvTranspose2d(16, 12, 4, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
        nn.Upsample(scale_factor=2, mode=mode), nn.ZeroPad2d(1), nn.Conv2d(12, 8, 3), nn.BatchNorm2d(8), nn.PReLU(),
        nn.ConvTranspose2d(8, 3, 3, 2, 1, output_padding=1), nn.Sigmoid(),
    )  # fmt: skip


def judge():
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Conv2d(8, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(256, 32), nn.BatchNorm1d(32), nn.SELU(), nn.Linear(32, 1), nn.Sigmoid(),
    )  # fmt: skip


NETS = {
    "unit norm": (lambda: Dense("unit norm"), (16,)),
    "map norm": (lambda: Dense("map norm"), (16,)),
    "norm behind the bend": (lambda: Dense("norm behind"), (16,)),
    "nearest": (lambda: enlarging("nearest"), (16, 1, 1)),
    "bilinear": (lambda: enlarging("bilinear"), (16, 1, 1)),
    "discriminator": (judge, (3, 16, 16)),
}
# the older exporter by opset, folding norms or not; the newer one, which folds always
EXPORTERS = {"11": (11, False), "17 folded": (17, True), "20": (20, False), "newer, 18": (18, None)}


def exported(net, path, shape, opset, fold, free=True):
    x = torch.randn(2 if free else 1, *shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own, of what is to become of them
        if fold is None:
            logging.disable(logging.CRITICAL)
            dynamic = ({0: torch.export.Dim("n")},) if free else None
            torch.onnx.export(net, (x,), path, dynamo=True, opset_version=opset, dynamic_shapes=dynamic, verbose=False)
            logging.disable(logging.NOTSET)
        else:
            torch.onnx.export(
                net, (x,), path, dynamo=False, opset_version=opset, do_constant_folding=fold,
                input_names=["x"], dynamic_axes={"x": {0: "n"}} if free else None,
            )  # fmt: skip
    return path


def nets(gan):
    return {role: net for role in ("generator", "discriminator") if (net := getattr(gan, role)) is not None}


# the newer one is slow
CASES = [(name, e) for name in NETS for e in EXPORTERS if "newer" not in e or name in ("map norm", "discriminator")]


@pytest.mark.parametrize(("name", "exporter"), CASES)
def test_what_torch_exported_is_rebuilt_with_the_same_layers_and_gradients(tmp_path, name, exporter):
    make, shape = NETS[name]
    original = trained(make(), *shape)
    free = exporter != "20"  # there the batch is fixed to 1
    gan = load(exported(original, str(tmp_path / "x.onnx"), shape, *EXPORTERS[exporter], free=free))
    ((role, runtime),) = nets(gan).items()
    rebuilt = nets(gan.differentiable())[role]
    assert rebuilt.layers == runtime.layers
    x = torch.randn(3, *shape)
    ours, theirs = (leaf.requires_grad_() for leaf in (x.clone(), x.clone()))
    if role == "discriminator":
        original = original[:-1]  # logits
    a, b = rebuilt(ours), original(theirs)
    torch.testing.assert_close(a, b, atol=1e-4, rtol=0)
    a.square().sum().backward()
    b.square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-3, rtol=1e-3)
    names = [layer.name for layer in rebuilt.layers]
    for key, values in runtime.activations(x, names).items():
        torch.testing.assert_close(rebuilt.activations(x, names)[key].flatten(1), values.flatten(1), atol=1e-4, rtol=0)


def test_our_own_files_come_back_as_the_stages_they_were(gan, same, tmp_path):
    export_onnx(gan, tmp_path)
    back = load(tmp_path).differentiable()
    assert (back.card.generator, back.card.discriminator) == (gan.card.generator, gan.card.discriminator)
    same.as_(back, atol=1e-5)
    assert "gradients" in back.gives


def test_the_rebuilt_network_normalises_as_the_original_does_at_the_time(gan, same, tmp_path):
    export_onnx(gan, tmp_path)
    opened = load(tmp_path)
    net, x = opened.discriminator, same.images
    before = opened.differentiable().discriminator(x, same.labels)
    net.statistics = None
    by_batch = opened.differentiable().discriminator
    assert by_batch.statistics is None
    torch.testing.assert_close(by_batch(x, same.labels), net(x, same.labels), atol=1e-4, rtol=0)
    assert not torch.allclose(by_batch(x, same.labels), before)


def test_a_discriminator_that_is_all_dense_is_written_and_rebuilt(tmp_path):
    tiny = tiny_gan(channels=3)
    stages = (Stage("linear", 768, 8, bias=True, activation="leaky_relu"), Stage("linear", 8, 1))
    net = initialise(Network(stages, 16), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    gan = GAN(dataclasses.replace(tiny.card, generator=None, discriminator=stages), None, net)
    export_onnx(gan, tmp_path / "d.onnx")
    back, x = load(tmp_path / "d.onnx"), torch.randn(3, 3, 16, 16)
    assert (back.card.image_size, back.card.channels) == (16, 3)
    torch.testing.assert_close(back.discriminator(x), net(x), atol=1e-5, rtol=0)
    assert back.differentiable().card.discriminator == stages
