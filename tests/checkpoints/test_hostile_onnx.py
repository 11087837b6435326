"""Graphs made to hurt: refused in one line, before they cost anything."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from onnx import TensorProto, helper

from .graphs import graph, saved
from .refusing import refused_at_once

pytestmark = pytest.mark.usefixtures("little_memory")

IMAGE = [("x", TensorProto.FLOAT, ["N", 1, 8, 8])]


def make(nodes, weights=None, inputs=IMAGE, **more):
    return graph(nodes, weights or {}, inputs, **more)


def endless_loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Identity", ["v"], ["v2"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("c2", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v2", TensorProto.FLOAT, None),
        ],
    )
    return make([helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)], {"trips": 2**62})


def huge_constant(shape):
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["h"]),
        helper.make_node("ReduceSum", ["h"], ["s"], keepdims=0),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Add", ["m", "s"], ["y"]),
    ]
    return make(nodes, {"shape": np.array(shape, np.int64)}, output=["N"])


def size_from_values():
    """A size that depends on the image: nobody can say before it runs."""
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["i"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["i", "one"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["h"]),
        helper.make_node("ReduceSum", ["h"], ["y"]),
    ]
    return make(nodes, {"one": [1]})


def shaped(operator, numbers):
    """One operator whose output's size stands in its constants."""
    held = {"n": numbers, "zero": 0, "one": 1, "last": 2**40, "ends": [0, 1]}
    nodes = [
        helper.make_node(operator.split(" ")[0], operator.split(" ")[1:], ["h"]),
        helper.make_node("Cast", ["h"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["s"], keepdims=0),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Add", ["m", "s"], ["y"]),
    ]
    return make(nodes, {name: np.array(value, np.int64) for name, value in held.items()}, output=["N"])


def doubled(times):
    """Sizes joined to themselves, which onnx's propagation of sizes writes out in memory."""
    nodes = [helper.make_node("Shape", ["x"], ["s0"])]
    nodes += [helper.make_node("Concat", [f"s{i}"] * 2, [f"s{i + 1}"], axis=0) for i in range(times)]
    nodes += [helper.make_node("Cast", [f"s{times}"], ["f"], to=TensorProto.FLOAT)]
    return make([*nodes, helper.make_node("ReduceMean", ["f"], ["y"], keepdims=1)], output=[1])


def shapes_of_shapes(times):
    """Each size is known only once the one before is."""
    nodes = []
    for i in range(times):
        nodes.append(helper.make_node("Shape", [f"v{i}" if i else "x"], [f"s{i}"]))
        nodes.append(helper.make_node("Expand", ["x", f"s{i}"], [f"v{i + 1}"]))
    return make(
        [*nodes, helper.make_node("ReduceMean", [f"v{times}"], ["y"], axes=[1, 2, 3], keepdims=0)], output=["N"]
    )


def products(count):
    """A small file of many large products: a matrix by itself, over and over."""
    nodes = [helper.make_node("Expand", ["m", "shape"], ["p0"])]
    nodes += [helper.make_node("MatMul", [f"p{i}", f"p{i}"], [f"p{i + 1}"]) for i in range(count)]
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3]), *nodes]
    return make(
        [*nodes, helper.make_node("ReduceMean", [f"p{count}"], ["y"], axes=[1, 2, 3], keepdims=0)],
        {"shape": [1, 1, 2**11, 2**11]},
        output=["N"],
    )


HOSTILE = {
    "a loop of 2^62": (endless_loop, "Loop is control flow"),
    "200 GB of zeros": (lambda: huge_constant([50 * 10**9]), "ConstantOfShape would make"),
    "more zeros than an int64": (lambda: huge_constant([2**40, 2**40]), "would make"),
    "a huge Expand": (lambda: shaped("Expand x n", [2**20, 2**20, 8, 8]), "Expand would make"),
    "a huge Tile": (lambda: shaped("Tile x n", [1, 2**20, 2**10, 2**10]), "Tile would make"),
    "a huge Pad": (lambda: shaped("Pad x n", [0, 0, 2**20, 2**20] * 2), "Pad would make"),
    "a huge Resize": (lambda: shaped("Resize x   n", [1, 1, 2**20, 2**20]), "Resize would make|fit together"),
    "a huge Range": (lambda: shaped("Range zero last one", [0]), "Range would make"),
    "a huge OneHot": (lambda: shaped("OneHot n last ends", [0]), "not known|would make"),
    "a shape doubled forty times": (lambda: doubled(40), "Concat would make|not known"),
    "a shape of shapes": (lambda: shapes_of_shapes(500), "not known"),
    "a product that takes an hour": (lambda: products(4000), "would multiply more"),
    "an Einsum": (
        lambda: make([helper.make_node("Einsum", ["x", "x"], ["y"], equation="abcd,efgh->a")]),
        "what its operator Einsum costs cannot be told",
    ),
    "an empty batch of nothing": (
        lambda: make([helper.make_node("Slice", ["x", "zero", "zero"], ["y"])],
                     {"zero": [0]},
                     inputs=[("x", TensorProto.FLOAT, [2, 1, 8, 8])], output=[0, 1, 8, 8]),
        "neither|images",
    ),
    "a dice": (
        lambda: make([helper.make_node("RandomNormalLike", ["x"], ["r"]),
                      helper.make_node("ReduceMean", ["r"], ["y"], axes=[1, 2, 3], keepdims=0)], output=["N"]),
        "draws other numbers each time",
    ),
    "a negative size": (lambda: huge_constant([-5]), "does not fit its constants"),
    "a size that depends on the image": (size_from_values, "not known before it runs"),
    "a huge deconvolution": (
        lambda: make(
            [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[10**5, 10**5])],
            {"w": np.ones((1, 1, 1, 1), np.float32)},
        ),
        "would make",
    ),
    "an unknown operator": (lambda: make([helper.make_node("Frobnicate", ["x"], ["y"])]), "Frobnicate does not exist"),
    "a custom domain": (
        lambda: make([helper.make_node("Relu", ["x"], ["y"], domain="evil.ops")]),
        "domain 'evil.ops'",
    ),
    "opset 999": (lambda: make([helper.make_node("Relu", ["x"], ["y"])], opset=999), "opset 999"),
    "no nodes": (lambda: make([]), "without a whole graph"),
    "two image inputs": (
        lambda: make(
            [helper.make_node("Add", ["x", "x2"], ["y"])],
            inputs=[(name, TensorProto.FLOAT, ["N", 1, 8, 8]) for name in ("x", "x2")],
        ),
        "neither|inputs",
    ),
    "an image that is not square": (
        lambda: make([helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2, 3], keepdims=0)],
                     inputs=[("x", TensorProto.FLOAT, ["N", 1, 8, 9])], output=["N"]),
        "square",
    ),
    "an image of free size": (
        lambda: make([helper.make_node("Relu", ["x"], ["y"])], inputs=[("x", TensorProto.FLOAT, ["N", 1, "H", "W"])]),
        "not known|neither|square",
    ),
    "text instead of numbers": (
        lambda: make([helper.make_node("Identity", ["x"], ["y"])], inputs=[("x", TensorProto.STRING, ["N", 1])]),
        "not known|not valid",
    ),
    "a dangling input": (lambda: make([helper.make_node("Add", ["x", "gone"], ["y"])]), "not valid"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_one_line_and_costs_nothing(tmp_path, name):
    build, message = HOSTILE[name]
    path = saved(tmp_path, build())
    tracemalloc.start()
    refused_at_once(path, message)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def parts(number, count, inside=7):
    """A wire of `count` empty messages, two bytes each, within the graph."""

    def field(key, content):
        size, head = len(content), bytearray()
        while size > 127:
            head.append(size & 127 | 128)
            size >>= 7
        return bytes([key << 3 | 2, *head, size]) + content

    return b"\x08\x09" + field(inside, field(number, b"") * count)


@pytest.mark.parametrize("number", [1, 5])  # nodes, weights
def test_hundred_thousands_of_empty_parts_are_not_parsed(tmp_path, number):
    path = tmp_path / "d.onnx"
    path.write_bytes(parts(number, 10**6 // 3))
    tracemalloc.start()
    refused_at_once(path, "small parts")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
