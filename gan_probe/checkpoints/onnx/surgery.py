"""Surgery on an ONNX graph: inner values made readable, batch norms given other statistics or the batch's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gan_probe.gan import Moments

FLOATS = {
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.BFLOAT16: "bfloat16",
}


def exposed(model: onnx.ModelProto, outputs: Iterable[str]) -> onnx.ModelProto:
    """A copy whose outputs are these values, without the nodes that none of them needs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    needed = set(outputs)
    kept = []
    for node in reversed(copy.graph.node):
        if needed & set(node.output):
            needed.update(node.input)
            kept.append(node)
    del copy.graph.node[:]
    copy.graph.node.extend(reversed(kept))
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(outputs))
    del copy.graph.value_info[:]  # their batch size may be wrong, and nobody needs them
    return copy


def stored(model: onnx.ModelProto, norms: Mapping[str, int]) -> dict[str, tuple[np.ndarray, np.ndarray]] | None:
    """Mean and variance that each batch norm holds; None where one of them uses its batch's own."""
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    found = {}
    for name, number in norms.items():
        node = model.graph.node[number]
        mean, variance = node.input[3], node.input[4]
        if _attribute(node, "training_mode", 0) or mean not in values or variance not in values:
            return None
        found[name] = (numpy_helper.to_array(values[mean]), numpy_helper.to_array(values[variance]))
    return found


def with_statistics(
    model: onnx.ModelProto, norms: Mapping[str, int], statistics: Mapping[str, Moments]
) -> onnx.ModelProto:
    """A copy whose batch norms normalise by `statistics`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kinds = {tensor.name: tensor.data_type for tensor in copy.graph.initializer}
    for name, number in norms.items():
        node = copy.graph.node[number]
        # in the type of the node's own gain; under new names, since exporters let nodes share equal tensors
        dtype = helper.tensor_dtype_to_np_dtype(kinds.get(node.input[1], onnx.TensorProto.FLOAT))
        for place, values in ((3, statistics[name].mean), (4, statistics[name].variance)):
            node.input[place] = f"gan_probe_statistics_{number}_{place}"
            copy.graph.initializer.append(
                numpy_helper.from_array(values.cpu().numpy().astype(dtype), node.input[place])
            )
        _evaluate(node)
    return copy


def by_batch(
    model: onnx.ModelProto, norms: Mapping[str, int], ranks: Mapping[str, int]
) -> tuple[onnx.ModelProto, dict[str, tuple[str, str]]]:
    """A copy whose batch norms use each batch's own statistics, and the names of the mean and variance of each."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    opset = next(entry.version for entry in copy.opset_import if entry.domain in ("", "ai.onnx"))
    kinds = {tensor.name: tensor.data_type for tensor in copy.graph.initializer}
    numbers = {number: name for name, number in norms.items()}
    moments = {}
    nodes = []
    for number, node in enumerate(model.graph.node):
        if number not in numbers:
            nodes.append(node)
            continue
        kind = helper.tensor_dtype_to_np_dtype(kinds.get(node.input[1], onnx.TensorProto.FLOAT))
        made, constants = _normalise(node, f"gan_probe_norm_{number}", ranks[node.input[0]], opset, kind)
        nodes += made
        copy.graph.initializer.extend(constants)
        moments[numbers[number]] = (f"gan_probe_norm_{number}_mean", f"gan_probe_norm_{number}_variance")
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy, moments


def evaluating(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, its batch norms all normalising by the statistics that the file holds."""
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    if not any(_attribute(node, "training_mode", 0) or len(node.output) > 1 for node in norms):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        if node.op_type == "BatchNormalization":
            _evaluate(node)
    return copy


def to_float32(model: onnx.ModelProto) -> str:
    """Turn a graph of other floats into float32 in place; their name, or "" where it was float32 already.

    onnxruntime has no float64 convolutions, and casts float16 to and fro, which costs both digits and time.
    """
    single = onnx.TensorProto.FLOAT
    inputs = {value.type.tensor_type.elem_type for value in model.graph.input}
    held = inputs | {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) > 1}
    kinds = held & FLOATS.keys()
    if not kinds:
        return ""
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type in FLOATS:
            value.type.tensor_type.elem_type = single
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    for attribute in attributes:
        if attribute.name in ("to", "dtype") and attribute.i in FLOATS:
            attribute.i = single
    for tensor in (*model.graph.initializer, *(a.t for a in attributes if a.HasField("t"))):
        if tensor.data_type in FLOATS:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), name))
    return " and ".join(sorted(FLOATS[kind] for kind in kinds))


def randomised(model: onnx.ModelProto, generator: torch.Generator) -> onnx.ModelProto | None:
    """A copy with weights N(0, 0.02), gains N(1, 0.02) and biases 0, drawn in the order of `network.initialise`.

    None where a weight is computed in the graph rather than stored in it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}

    def draw(node: onnx.NodeProto, place: int, mean: float | None) -> None:
        like = numpy_helper.to_array(tensors[node.input[place]])
        values = torch.empty(like.shape).normal_(mean or 0.0, 0.02, generator=generator).numpy()
        new = f"gan_probe_random_{node.output[0]}_{place}"
        values = np.zeros_like(like) if mean is None else values.astype(like.dtype)
        copy.graph.initializer.append(numpy_helper.from_array(values, new))
        node.input[place] = new

    for node in copy.graph.node:
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
            means = [(1, 0.0), (2, None)]
        elif node.op_type == "BatchNormalization":
            means = [(1, 1.0), (2, None)]
        elif node.op_type == "Add" and node.input[1] in tensors:
            means = [(1, None)]  # a bias on its own
        else:
            continue
        for place, mean in means:
            if place < len(node.input) and node.input[place]:
                if node.input[place] not in tensors:
                    return None
                draw(node, place, mean)
    return copy


def _normalise(
    node: onnx.NodeProto, p: str, rank: int, opset: int, kind: np.dtype
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Batch norm in training, in elementary operators: (x - mean) / sqrt(biased variance + eps) * gain + bias."""
    x, gain, bias, y = node.input[0], node.input[1], node.input[2], node.output[0]
    axes = [axis for axis in range(rank) if axis != 1]
    constants = [
        numpy_helper.from_array(np.array(_attribute(node, "epsilon", 1e-5), dtype=kind), f"{p}_eps"),
        numpy_helper.from_array(np.array([1, -1] + [1] * (rank - 2), dtype=np.int64), f"{p}_shape"),
        numpy_helper.from_array(np.array(axes, dtype=np.int64), f"{p}_axes"),
    ]

    def mean(source: str, target: str) -> onnx.NodeProto:
        if opset >= 18:  # where axes became an input
            return helper.make_node("ReduceMean", [source, f"{p}_axes"], [target], keepdims=1)
        return helper.make_node("ReduceMean", [source], [target], axes=axes, keepdims=1)

    steps = [
        mean(x, f"{p}_mean"),
        helper.make_node("Sub", [x, f"{p}_mean"], [f"{p}_centred"]),
        helper.make_node("Mul", [f"{p}_centred", f"{p}_centred"], [f"{p}_squared"]),
        mean(f"{p}_squared", f"{p}_variance"),
        helper.make_node("Add", [f"{p}_variance", f"{p}_eps"], [f"{p}_shifted"]),
        helper.make_node("Sqrt", [f"{p}_shifted"], [f"{p}_deviation"]),
        helper.make_node("Div", [f"{p}_centred", f"{p}_deviation"], [f"{p}_normal"]),
        helper.make_node("Reshape", [gain, f"{p}_shape"], [f"{p}_gain"]),
        helper.make_node("Reshape", [bias, f"{p}_shape"], [f"{p}_bias"]),
        helper.make_node("Mul", [f"{p}_normal", f"{p}_gain"], [f"{p}_scaled"]),
        helper.make_node("Add", [f"{p}_scaled", f"{p}_bias"], [y]),
    ]
    return steps, constants


def _attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    for attribute in node.attribute:
        if attribute.name == name:
            return float(helper.get_attribute_value(attribute))
    return default


def _evaluate(node: onnx.NodeProto) -> None:
    """Take a batch norm out of training mode."""
    kept = [attribute for attribute in node.attribute if attribute.name != "training_mode"]
    del node.attribute[:]
    node.attribute.extend(kept)
    del node.output[1:]
