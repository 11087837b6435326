"""A graph exported for a fixed batch, rewritten for any: batch norm's statistics need a real batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from gan_probe.checkpoints.onnx.read import LARGEST_TOTAL, infer_shapes
from gan_probe.checkpoints.onnx.session import open_session
from gan_probe.checkpoints.onnx.surgery import evaluating
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        numbers = sum(map(math.prod, infer_shapes(free).values()))
        same = 2 * fixed * numbers <= LARGEST_TOTAL and _agree(model, free, fixed)
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
    shapes = {tensor.name: tensor for tensor in copy.graph.initializer}
    for number, node in enumerate(copy.graph.node):
        if node.op_type != "Reshape" or node.input[0] in shapes or node.input[1] not in shapes:
            continue
        shape = numpy_helper.to_array(shapes[node.input[1]])
        if (
            shape.ndim == 1
            and len(shape)
            and shape[0] == fixed
            and not any(a.name == "allowzero" for a in node.attribute)
        ):
            shape = np.array([0, *shape[1:]], np.int64)  # 0 keeps the size that comes in
            node.input[1] = f"gan_probe_shape_{number}"  # under a new name: nodes may share a shape
            copy.graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    return copy


def _agree(model: onnx.ModelProto, free: onnx.ModelProto, fixed: int) -> bool:
    """Whether both give the same for two batches; norms that use their own batch's statistics use the stored ones."""
    sessions = [open_session(evaluating(m)) for m in (model, free)]
    feed = _feed(model, infer_shapes(free), 2 * fixed)
    halves = [{name: array[part] for name, array in feed.items()} for part in (slice(fixed), slice(fixed, None))]
    try:
        apart = np.concatenate([sessions[0].run(None, half)[0] for half in halves])
        together = sessions[1].run(None, feed)[0]
    except Exception as error:  # onnxruntime's errors have no common base
        raise BadInputError(f"onnxruntime cannot run it: {error}") from error
    near = 1e-2 if together.dtype == np.float16 else 1e-4
    return together.shape == apart.shape and np.allclose(together, apart, rtol=near, atol=near * np.abs(apart).max())


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
