"""A graph exported for a fixed batch, rewritten for any: batch norm's statistics need a real batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from gan_probe.checkpoints.onnx.cost import check_cost
from gan_probe.checkpoints.onnx.read import infer_shapes
from gan_probe.checkpoints.onnx.session import open_session
from gan_probe.checkpoints.onnx.surgery import evaluating
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_AXES = 8


def fixed_batch(model: onnx.ModelProto) -> int | None:
    """The batch size that the graph's first input is fixed to; None where any will do."""
    for value in _inputs(model):
        for dim in value.type.tensor_type.shape.dim[:1]:
            return dim.dim_value if dim.dim_value > 0 else None  # some exporters write -1 for any
        break
    return None


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph for a batch of any size where it can be had, otherwise the model itself.

    A rewritten graph is taken only if it maps two batches together as the original maps them one after the other.
    """
    fixed = fixed_batch(model)
    if fixed is None:
        return model
    free = _rewritten(model, fixed)
    try:
        check_cost(free.graph, infer_shapes(free), 2 * fixed)
        same = _agree(model, free, fixed)
    except BadInputError:  # the size is woven into the graph, or the file is bad: reading the original says which
        return model
    return free if same else model


def _rewritten(model: onnx.ModelProto, fixed: int) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for value in (*_inputs(copy), *copy.graph.output):
        for dim in value.type.tensor_type.shape.dim[:1]:
            if dim.dim_value == fixed:
                dim.dim_param = "batch"
    shapes = _shapes(copy.graph)
    constants = {tensor.name for tensor in copy.graph.initializer}
    for number, node in enumerate(copy.graph.node):
        if node.op_type != "Reshape" or node.input[0] in constants:
            continue
        shape = shapes.get(node.input[1], [])
        if shape[:1] == [fixed] and not (0 in shape and any(a.name == "allowzero" and a.i for a in node.attribute)):
            del node.attribute[:]  # `allowzero`, which may be said where no 0 stands, is all that there can be
            node.input[1] = f"gan_probe_shape_{number}"  # under a new name: nodes may share a shape
            kept = np.array([0, *shape[1:]], np.int64)  # 0 keeps the size that comes in
            copy.graph.initializer.append(numpy_helper.from_array(kept, node.input[1]))
    return copy


def _shapes(graph: onnx.GraphProto) -> dict[str, list[int]]:
    """Shapes written down in the graph, also piece by piece, as torch writes what its optimiser has not seen."""
    tensors = [t for t in graph.initializer if t.data_type == onnx.TensorProto.INT64 and math.prod(t.dims) <= MOST_AXES]
    shapes: dict[str, list[int]] = {t.name: numpy_helper.to_array(t).ravel().tolist() for t in tensors}
    for node in graph.node:
        if node.op_type in ("Identity", "Unsqueeze") and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
        elif node.op_type == "Concat" and all(name in shapes for name in node.input):
            joined = [n for name in node.input for n in shapes[name]]
            if len(joined) <= MOST_AXES:
                shapes[node.output[0]] = joined
    return shapes


def _agree(model: onnx.ModelProto, free: onnx.ModelProto, fixed: int) -> bool:
    """Whether both give the same for two batches; norms that use their own batch's statistics use the stored ones."""
    feed = _feed(model, infer_shapes(free), 2 * fixed)
    halves = [{name: array[part] for name, array in feed.items()} for part in (slice(fixed), slice(fixed, None))]
    try:
        session = open_session(evaluating(model))
        apart = np.concatenate([session.run(None, half)[0] for half in halves])
        del session  # one after the other: each holds the weights
        together = open_session(evaluating(free)).run(None, feed)[0]
    except BadInputError:
        raise
    except Exception as error:  # onnxruntime's errors have no common base
        raise BadInputError(f"onnxruntime cannot run it: {error}") from error
    near = 1e-2 if together.dtype == np.float16 else 1e-4
    return together.shape == apart.shape and np.allclose(
        together, apart, rtol=near, atol=near * np.abs(apart).max(initial=0)
    )


def _feed(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]], n: int) -> dict[str, np.ndarray]:
    """Inputs that differ much from row to row, so that rows mixed up do not pass for each other; class indices 0."""
    rng = np.random.default_rng(0)
    feed: dict[str, Any] = {}
    for value in _inputs(model):
        kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        array = np.zeros((n, *shapes[value.name][1:]), kind)
        if array.dtype.kind == "f":
            scales = np.linspace(0.2, 1, n).reshape(n, *[1] * (array.ndim - 1))
            array = (rng.uniform(-1, 1, array.shape) * scales).astype(kind)
        feed[value.name] = array
    return feed


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    initialisers = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in initialisers]
