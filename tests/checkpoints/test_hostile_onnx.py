from __future__ import annotations

import contextlib
import os
import resource
import time
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.errors import BadInputError
from gan_probe.testing import tiny_gan


@pytest.fixture(autouse=True)
def _limited():
    """A guard that fails is a MemoryError here, not the end of everything else on the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size + 4 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_onnx(tiny_gan(width=1), tmp_path_factory.mktemp("onnx"))[1].read_bytes()


@pytest.fixture
def proto(exported):
    return onnx.load_model_from_string(exported)


def opened(path):
    """The GAN, or None where it is refused in one line."""
    gan = None
    with contextlib.suppress(BadInputError):
        gan = load_gan(LoadRequest(path))
    return gan


def refused(path, match="d.onnx: "):
    start = time.monotonic()
    with pytest.raises(BadInputError, match=match) as caught:
        load_gan(LoadRequest(path))
    assert time.monotonic() - start < 10
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


def written(tmp_path, proto):
    path = tmp_path / "d.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_a_file_cut_anywhere_is_refused(exported, tmp_path):
    path = tmp_path / "d.onnx"
    for length in [*range(60), *range(60, len(exported), 41)]:
        path.write_bytes(exported[:length])
        # protobuf reads a file that ends between two fields; what is then lost is the metadata, at the file's end
        assert opened(path) is None or length > 0.8 * len(exported), length


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_byte_is_refused_or_harmless(exported, tmp_path_factory, position, value):
    raw = bytearray(exported)
    raw[position % len(raw)] = value
    path = tmp_path_factory.mktemp("damaged") / "d.onnx"
    path.write_bytes(raw)
    opened(path)


def make(nodes, weights=(), inputs=(("x", TensorProto.FLOAT, ["N", 1, 8, 8]),), output=("N", 1), opset=17, **more):
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        list(weights),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9, **more)


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
    trips = numpy_helper.from_array(np.array(2**62), "trips")
    return make([helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)], [trips])


def huge_constant(shape):
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["h"]),
        helper.make_node("ReduceSum", ["h"], ["s"], keepdims=0),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Add", ["m", "s"], ["y"]),
    ]
    return make(nodes, [numpy_helper.from_array(np.array(shape, np.int64), "shape")], output=["N"])


def size_from_values():
    """A size that depends on the image: nobody can say before it runs."""
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["i"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["i", "one"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["h"]),
        helper.make_node("ReduceSum", ["h"], ["y"]),
    ]
    return make(nodes, [numpy_helper.from_array(np.array([1]), "one")])


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
    weights = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in held.items()]
    return make(nodes, weights, output=["N"])


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
    shape = numpy_helper.from_array(np.array([1, 1, 2**11, 2**11]), "shape")
    nodes = [helper.make_node("Expand", ["m", "shape"], ["p0"])]
    nodes += [helper.make_node("MatMul", [f"p{i}", f"p{i}"], [f"p{i + 1}"]) for i in range(count)]
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3]), *nodes]
    return make(
        [*nodes, helper.make_node("ReduceMean", [f"p{count}"], ["y"], axes=[1, 2, 3], keepdims=0)],
        [shape],
        output=["N"],
    )


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
    refused(path, "small parts")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_more_weights_than_any_dcgan_has_are_not_read(tmp_path, proto):
    """A file of holes takes no disk, but memory once it is read."""
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(2**30)
    tensor = next(t for t in proto.graph.initializer if t.name == "conv1.weight")
    external(proto, "w.bin", length=2**30)
    tensor.dims[:] = [2**28, 1, 1, 1]
    refused(written(tmp_path, proto), "more than 256 MB of weights")


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
                     [numpy_helper.from_array(np.array([0]), "zero")],
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
            [numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), "w")],
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
    path = written(tmp_path, build())
    tracemalloc.start()
    refused(path, message)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_wrong_weights_are_named(tmp_path, proto):
    def with_values(name, change):
        copy = onnx.ModelProto()
        copy.CopyFrom(proto)
        target = next(t for t in copy.graph.initializer if t.name == name)
        array = numpy_helper.to_array(target).copy()
        target.CopyFrom(numpy_helper.from_array(change(array), name))
        return copy

    refused(written(tmp_path, with_values("conv1.weight", lambda a: a * np.nan)), "NaN or infinite")
    refused(written(tmp_path, with_values("conv2.variance", lambda a: a * 0 - 1)), "negative variances")
    refused(written(tmp_path, with_values("conv1.weight", lambda a: a[:, :, :2])))
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    copy.graph.initializer[0].dims[0] = 10**12
    refused(written(tmp_path, copy), "bytes, not|declares more")
    del copy.graph.initializer[:]
    refused(written(tmp_path, copy))


def test_a_card_that_disagrees_with_the_graph_is_refused(tmp_path, proto):
    for entry in proto.metadata_props:
        entry.value = entry.value.replace('"image_size": 16', '"image_size": 32')
    refused(written(tmp_path, proto), "disagree")
    for entry in proto.metadata_props:
        entry.value = "{"
    refused(written(tmp_path, proto))


def external(proto, location, **more):
    tensor = next(t for t in proto.graph.initializer if t.name == "conv1.weight")
    content = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": 0, "length": len(content), **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    return content


def test_external_data_beside_the_file_is_read(tmp_path, proto, exported):
    (tmp_path / "w.bin").write_bytes(b"1234" + external(proto, "w.bin", offset=4))
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "d.onnx").write_bytes(exported)
    gan, whole = (load_gan(LoadRequest(p)) for p in (written(tmp_path, proto), tmp_path / "whole" / "d.onnx"))
    x = gan.from_uint8(np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), dtype=np.uint8))
    assert (gan.discriminator(x) == whole.discriminator(x)).all()
    before = gan.card.sha256
    (tmp_path / "w.bin").write_bytes((tmp_path / "w.bin").read_bytes()[:-1] + b"\0")
    assert load_gan(LoadRequest(tmp_path / "d.onnx")).card.sha256 != before


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "C:\\secret", "..\\secret", ""])
def test_external_data_outside_the_folder_is_not_read(tmp_path, proto, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    external(proto, location)
    refused(written(folder, proto), "outside its folder")


def test_links_and_odd_files_as_external_data_are_not_read(tmp_path, proto):
    folder = tmp_path / "model"
    folder.mkdir()
    content = external(proto, "w.bin")
    path, data = written(folder, proto), folder / "w.bin"
    refused(path, "is missing")
    (tmp_path / "secret").write_bytes(content)
    data.symlink_to(tmp_path / "secret")
    refused(path, "is a link")
    data.unlink()
    os.link(tmp_path / "secret", data)
    refused(path, "hard link")
    data.unlink()
    os.mkfifo(data)
    refused(path, "is missing")
    data.unlink()
    data.write_bytes(content[:-1])
    refused(path, "too short")
    for more in ({"offset": -1}, {"length": 10**15}, {"offset": 10**30}, {"offset": "x"}):
        again = onnx.load_model_from_string(proto.SerializeToString())
        tensor = next(t for t in again.graph.initializer if t.name == "conv1.weight")
        for entry in tensor.external_data:
            if entry.key in more:
                entry.value = str(more[entry.key])
        refused(written(folder, again), "too short|no readable place")
