from __future__ import annotations

import dataclasses
import logging
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from gan_probe import load
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.onnx import surgery
from gan_probe.errors import BadInputError
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


def graph(nodes, weights, target=("N", 1)):
    made = helper.make_graph(
        [helper.make_node(op, inputs.split(), outputs.split(), **more) for op, inputs, outputs, more in nodes],
        "foreign",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 2, 8, 8])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, target)],
        [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


RNG = np.random.default_rng(0)
W, HEAD = RNG.normal(0, 0.3, (3, 2, 4, 4)), RNG.normal(0, 0.3, (48, 1))
CONV = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
END = [("Flatten", "a", "f", {}), ("MatMul", "f v", "l", {}), ("Add", "l c", "y", {})]
HELD = {"w": W, "v": HEAD, "c": [0.3], "s": RNG.uniform(0.5, 2, (3, 1, 1)), "t": RNG.normal(0, 1, (3, 1, 1)), "k": 0.2}

CHAINS = {
    "a bias and a norm on their own": [
        ("Conv", "x w", "p", CONV),
        ("Mul", "p s", "q", {}),
        ("Sub", "q t", "r", {}),
        ("LeakyRelu", "r", "a", {}),
    ],
    "a quotient": [("Conv", "x w", "p", CONV), ("Div", "p s", "q", {}), ("Relu", "q", "a", {})],
    "a leaky ReLU as a maximum": [
        ("Conv", "x w", "p", CONV),
        ("Mul", "p k", "q", {}),
        ("Max", "p q", "a", {}),
    ],
    "pads left to the runtime": [
        ("Conv", "x w", "p", {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("Selu", "p", "a", {}),
    ],
    "a weight that is computed": [
        ("Mul", "w k", "w2", {}),
        ("Add", "w2 w", "w3", {}),
        ("Conv", "x w3", "p", CONV),
        ("Elu", "p", "a", {}),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
def test_one_layer_written_in_pieces_is_one_stage(tmp_path, name):
    (tmp_path / "d.onnx").write_bytes(graph([*CHAINS[name], *END], HELD).SerializeToString())
    gan = load(tmp_path / "d.onnx")
    stages = gan.differentiable().card.discriminator
    assert [(stage.op, stage.stride, stage.padding) for stage in stages] == [("conv", 2, 1), ("linear", 1, 0)]
    x = torch.randn(3, 2, 8, 8)
    torch.testing.assert_close(gan.differentiable().discriminator(x), gan.discriminator(x), atol=1e-5, rtol=0)


REFUSED = {
    "a norm in front": (
        [("BatchNormalization", "x g g g g", "n", {}), ("Conv", "n w", "p", CONV), ("Relu", "p", "a", {})],
        "BatchNormalization in front of a layer",
    ),
    "an unknown bend": ([("Conv", "x w", "p", CONV), ("HardSwish", "p", "a", {})], "HardSwish is no part"),
    "a shortcut": ([("Conv", "x w", "p", CONV), ("Sigmoid", "p", "q", {}), ("Mul", "p q", "a", {})], "Mul and Sigmoid"),
    "pooling": ([("Conv", "x w", "p", CONV), ("Relu", "p", "r", {}), ("MaxPool", "r", "a", {"kernel_shape": [1, 1]})],
                "MaxPool is no part"),
    "uneven pads": ([("Conv", "x w", "p", {"strides": [2, 2], "pads": [2, 1, 0, 1]}), ("Relu", "p", "a", {})],
                    r"Conv with pads \[2, 1, 0, 1\]"),
    "channels last": ([("Transpose", "x", "q", {"perm": [0, 1, 3, 2]}), ("Conv", "q w", "p", CONV),
                       ("Relu", "p", "a", {})], "Transpose is no part"),
    "slopes by channel": ([("Conv", "x w", "p", CONV), ("PRelu", "p s", "a", {})], "PRelu with a slope for each"),
    "dilations": ([("Conv", "x w", "p", {"strides": [2, 2], "dilations": [2, 2], "pads": [3, 3, 3, 3]}),
                   ("Relu", "p", "a", {})], "dilations"),
    "another alpha": ([("Conv", "x w", "p", CONV), ("Elu", "p", "a", {"alpha": 0.5})], "Elu with alpha 0.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_stage_is_refused_by_its_operator_and_still_runs(tmp_path, name, gan_probe_command):
    nodes, message = REFUSED[name]
    (tmp_path / "d.onnx").write_bytes(graph([*nodes, *END], HELD | {"g": [1.0, 2.0]}).SerializeToString())
    gan = load(tmp_path / "d.onnx")
    with pytest.raises(BadInputError, match=message) as caught:
        gan.differentiable()
    assert len(str(caught.value)) <= 200
    assert gan.discriminator(torch.zeros(2, 2, 8, 8)).shape == (2, 1)
    code, _, err = gan_probe_command("convert", tmp_path / "d.onnx", "--to", "x.pt")
    assert code == 3
    assert "the discriminator: its" in err


def test_a_rebuilt_network_that_differs_is_refused(tmp_path, monkeypatch):
    (tmp_path / "d.onnx").write_bytes(graph([*CHAINS["a quotient"], *END], HELD).SerializeToString())
    gan = load(tmp_path / "d.onnx")
    right = gan.discriminator.chain()
    wrong = [(dataclasses.replace(right[0][0], activation="elu"), right[0][1]), right[1]]
    monkeypatch.setattr(type(gan.discriminator), "chain", lambda _: wrong)
    with pytest.raises(BadInputError, match=r"differs from onnxruntime by .* in conv1"):
        gan.differentiable()


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_other_floats_are_rebuilt_as_the_float32_that_runs(tmp_path, kind):
    proto = graph([*CHAINS["a quotient"], *END], HELD)
    number = {name: number for number, name in surgery.FLOATS.items()}[kind]
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.elem_type = number
    for tensor in proto.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(kind), tensor.name))
    (tmp_path / "d.onnx").write_bytes(proto.SerializeToString())
    gan = load(tmp_path / "d.onnx")
    assert any(kind in note for note in gan.card.assumed)
    x = torch.randn(3, 2, 8, 8)
    torch.testing.assert_close(gan.differentiable().discriminator(x), gan.discriminator(x), atol=1e-4, rtol=0)


GRADIENT = """
from gan_probe import Analysis, Options, Report, hookimpl

class Steepness(Analysis[Options]):
    "The gradient's length at an image of zeros."
    name = "steepness"
    needs = frozenset(["discriminator", "gradients"])

    def run(self, gan, options, ctx):
        import torch

        x = torch.zeros(1, gan.card.channels, gan.card.image_size, gan.card.image_size, requires_grad=True)
        gan.discriminator(x).sum().backward()
        return Report(notes=[f"length {float(x.grad.norm()):.6f}"])

@hookimpl
def register_analyses():
    return [Steepness]
"""


def test_an_analysis_of_gradients_runs_on_onnx_and_gives_what_it_gives_on_torch(gan, tmp_path, install):
    import gan_probe

    if gan.card.classes:
        pytest.skip("the analysis passes no labels")
    install("steepness", GRADIENT)
    export_onnx(gan, tmp_path)
    ours, theirs = (gan_probe.run(g, "steepness") for g in (gan, load(tmp_path)))
    assert theirs.notes[0] == ours.notes[0]
    assert "rebuilt in torch" in theirs.notes[1]
    assert len(ours.notes) == 1


def test_an_analysis_of_gradients_is_refused_by_the_operator_in_its_way(tmp_path, install, gan_probe_command):
    install("steepness", GRADIENT)
    nodes, _ = REFUSED["an unknown bend"]
    (tmp_path / "d.onnx").write_bytes(graph([*nodes, *END], HELD).SerializeToString())
    code, _, err = gan_probe_command("run", "--plugin", "steepness", tmp_path / "d.onnx", "--out", "out")
    assert code == 3
    assert "steepness needs networks that torch runs (the discriminator: its operator HardSwish" in err
