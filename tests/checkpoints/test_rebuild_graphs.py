"""Graphs operator by operator: which make one stage, which make none, and what analyses of gradients say of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from onnx import numpy_helper

import gan_probe
from gan_probe import load
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.onnx import surgery
from gan_probe.errors import BadInputError

from .graphs import graph, saved

RNG = np.random.default_rng(0)
CONV = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
END = [("Flatten", "a", "f", {}), ("MatMul", "f v", "l", {}), ("Add", "l c", "y", {})]
NUMBERS = {
    "w": RNG.normal(0, 0.3, (3, 2, 4, 4)),
    "v": RNG.normal(0, 0.3, (48, 1)),
    "c": [0.3],
    "s": RNG.uniform(0.5, 2, (3, 1, 1)),
    "t": RNG.normal(0, 1, (3, 1, 1)),
    "k": 0.2,
    "g": [1.0, 2.0],
}
HELD = {name: np.asarray(value, np.float32) for name, value in NUMBERS.items()}

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
    gan = load(saved(tmp_path, graph([*CHAINS[name], *END], HELD)))
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
    gan = load(saved(tmp_path, graph([*nodes, *END], HELD)))
    with pytest.raises(BadInputError, match=message) as caught:
        gan.differentiable()
    assert len(str(caught.value)) <= 200
    assert gan.discriminator(torch.zeros(2, 2, 8, 8)).shape == (2, 1)
    code, _, err = gan_probe_command("convert", tmp_path / "d.onnx", "--to", "x.pt")
    assert code == 3
    assert "the discriminator: its" in err


def test_a_rebuilt_network_that_differs_is_refused(tmp_path, monkeypatch):
    gan = load(saved(tmp_path, graph([*CHAINS["a quotient"], *END], HELD)))
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
    gan = load(saved(tmp_path, proto))
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
    saved(tmp_path, graph([*nodes, *END], HELD))
    code, _, err = gan_probe_command("run", "--plugin", "steepness", tmp_path / "d.onnx", "--out", "out")
    assert code == 3
    assert "steepness needs networks that torch runs (the discriminator: its operator HardSwish" in err
