"""Sizes, pads and scales that a graph works out from constants, worked out once, so that they can be known unrun."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import onnx

MOST_NUMBERS, MOST_NODES = 64, 2048
# none makes more than the product of its inputs' sizes, but ConstantOfShape and Range, whose values are looked at
# fmt: off
FOLDED = frozenset([
    "Add", "Cast", "Concat", "ConstantOfShape", "Div", "Gather", "Mul", "Range", "Reshape", "Shape", "Slice",
    "Squeeze", "Sub", "Transpose", "Unsqueeze",
])
# fmt: on


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace what plain operators make of at most 64 constant numbers by its value, in place.

    Exporters write the pads of one `Pad` in a dozen operators, through which shape inference does not see.
    """
    from onnx import numpy_helper

    known = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if math.prod(tensor.dims) <= MOST_NUMBERS
    }
    kept, folded = [], 0
    alias = {tensor.name: tensor.name for tensor in model.graph.initializer}
    outputs = {value.name for value in model.graph.output}
    for node in model.graph.node:
        node.input[:] = [alias.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.input[0] in alias and node.output[0] not in outputs:
            alias[node.output[0]] = node.input[0]  # exporters let layers share equal tensors
            continue
        constant = node.op_type in FOLDED and all(name in known for name in node.input)
        if constant and len(node.output) == 1 and folded < MOST_NODES:
            folded += 1
            value = _value(node, known, model.opset_import)
            if value is not None:
                known[node.output[0]] = value
                alias[node.output[0]] = node.output[0]
                model.graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
                continue
        kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def fold_shapes(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Replace, in place, every Shape of a value whose shape is known; whether there was any."""
    import numpy as np
    from onnx import helper, numpy_helper

    kept = []
    for node in model.graph.node:
        if node.op_type == "Shape" and node.input[0] in shapes:
            ends = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            part = shapes[node.input[0]][ends.get("start", 0) : ends.get("end")]
            model.graph.initializer.append(numpy_helper.from_array(np.array(part, np.int64), node.output[0]))
        else:
            kept.append(node)
    found = len(kept) < len(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return found


def _value(node: onnx.NodeProto, known: dict[str, np.ndarray], opsets: object) -> np.ndarray | None:
    """What the node makes, or None where that is large."""
    import numpy as np
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    graph = helper.make_graph([node], "fold", [], [helper.make_empty_tensor_value_info(node.output[0])])
    graph.input.extend(helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(node.input))
    single = helper.make_model(graph, opset_imports=opsets)
    try:
        if _count(node, known) > MOST_NUMBERS:
            return None
        with np.errstate(all="ignore"):
            results: Any = ReferenceEvaluator(single).run(None, {name: known[name] for name in node.input})
    except Exception as error:  # numpy raises many kinds for operators that do not fit their inputs
        raise BadInputError(f"its operator {node.op_type} does not fit its constants: {error}") from error
    value = np.asarray(results[0])
    return value if value.size <= MOST_NUMBERS else None


def _count(node: onnx.NodeProto, known: dict[str, np.ndarray]) -> float:
    """How many numbers the node makes, where that stands in its inputs' values; 0 for other operators."""
    if node.op_type == "ConstantOfShape":
        return float(math.prod(known[node.input[0]].tolist()))
    if node.op_type == "Range":
        start, end, step = (float(known[name].item()) for name in node.input)
        return (end - start) / step
    return 0
