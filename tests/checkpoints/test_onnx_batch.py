"""ONNX files whose batch is fixed: freed where each image keeps its result, run part by part where not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import gan_probe
from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.testing import tiny_gan

from .graphs import CONV, HEAD, IMAGES, expected, graph, saved, weights
from .refusing import refused


@pytest.mark.parametrize("fixed", [1, 3])
def test_a_fixed_batch_is_run_part_by_part(tmp_path, fixed):
    held = weights()
    nodes = [("Conv", "x w b", "c", CONV), ("LeakyRelu", "c", "a", {"alpha": 0.2}), *HEAD]
    proto = graph(nodes, held, [("x", TensorProto.FLOAT, (fixed, 2, 8, 8))], (fixed, 1))
    found = load_gan(LoadRequest(saved(tmp_path, proto))).discriminator(IMAGES)
    torch.testing.assert_close(found, expected(held)[1], atol=1e-5, rtol=0)


def at_batch(path, size, flatten=True):
    """Fix a file's batch as exporters without dynamic axes do, in the flattening too."""
    proto = onnx.load(path)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = size
    flat = next((node for node in proto.graph.node if node.op_type == "Flatten"), None)
    if flat is not None and flatten:
        # in the pieces in which torch writes it
        pieces = {"batch": size, "rest": [-1], "axis": [0]}
        proto.graph.initializer.extend(numpy_helper.from_array(np.array(v), name) for name, v in pieces.items())
        reshape = helper.make_node("Reshape", [flat.input[0], "flat"], list(flat.output), allowzero=1)
        before = [
            helper.make_node("Unsqueeze", ["batch", "axis"], ["first"]),
            helper.make_node("Concat", ["first", "rest"], ["flat"], axis=0),
        ]
        nodes = [*before, *(reshape if node == flat else node for node in proto.graph.node)]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
    onnx.save(proto, path)


@pytest.mark.parametrize("fixed", [1, 3])
def test_a_fixed_batch_is_freed_where_each_image_keeps_its_result(tmp_path, fixed):
    gan = tiny_gan()
    paths = export_onnx(gan, tmp_path)
    images, order = torch.rand(64, 1, 16, 16), [torch.Generator().manual_seed(1) for _ in range(2)]
    z = gan.latent(5, np.random.default_rng(0))
    for path in paths:
        at_batch(path, fixed)
    back = load_gan(LoadRequest(tmp_path))
    ours, theirs = gan.discriminator, back.discriminator
    torch.testing.assert_close(theirs(images), ours(images), atol=1e-5, rtol=0)
    torch.testing.assert_close(back.sample(z), gan.sample(z), atol=1e-5, rtol=0)
    for name, moments in ours.moments(images).items():
        torch.testing.assert_close(theirs.moments(images)[name].variance, moments.variance)
    twins = ours.random_twin(order[0]), theirs.random_twin(order[1])
    twins[0].statistics = None
    torch.testing.assert_close(twins[1](images), twins[0](images), atol=1e-4, rtol=0)


def test_a_fixed_batch_beyond_memory_is_refused_before_it_is_run(tmp_path):
    path = export_onnx(tiny_gan(), tmp_path)[1]
    at_batch(path, 2**40, flatten=False)
    refused(path, "fixed to 1,099,511,627,776")


def test_a_batch_woven_into_the_graph_stays_fixed_and_keeps_its_statistics(tmp_path):
    gan = tiny_gan()
    path = export_onnx(gan, tmp_path)[1]
    at_batch(path, 1)
    proto = onnx.load(path)
    node = next(node for node in proto.graph.node if node.op_type == "Conv")
    source, node.input[0] = node.input[0], "one"
    proto.graph.initializer.append(numpy_helper.from_array(np.array([0, 1]), "axes"))
    first = [
        helper.make_node("Squeeze", [source, "axes"], ["square"]),
        helper.make_node("Unsqueeze", ["square", "axes"], ["one"]),
    ]
    nodes = [*first, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save(proto, path)
    back = load_gan(LoadRequest(path))
    images = torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(back.discriminator(images), gan.discriminator(images), atol=1e-5, rtol=0)
    assert (back.discriminator.statistics, back.discriminator.moments(images)) == ({}, {})
    assert back.discriminator.random_twin(torch.Generator()) is None
    assert any("fixed batch" in note for note in back.card.assumed)


def test_a_probe_of_a_fixed_batch_is_that_of_a_dynamic_one(tmp_path):
    accuracies = []
    for fixed in (False, True):
        folder = tmp_path / str(fixed)
        for path in export_onnx(tiny_gan(), folder):
            if fixed:
                at_batch(path, 1)
        report = gan_probe.run(folder, "linear-probe", data="digits", c="0.01", train_size=100, test_size=200)
        accuracies.append([(row["features"], row["accuracy"]) for row in report.table("accuracy").rows])
    assert accuracies[0] == accuracies[1]
    assert len(accuracies[0]) == 3
