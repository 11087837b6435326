"""Finding the layers in an ONNX graph: from each convolution or dense product to the value behind its activation.

Exporters write one layer as a chain (`Conv`, `BatchNormalization`, `LeakyRelu`) or in pieces (a leaky ReLU as `Mul`
and `Max`); both end in one value, which is what `gan_probe.network.Network` calls the layer's activation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gan_probe.gan import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

KINDS = {"Conv": "conv", "ConvTranspose": "deconv", "Gemm": "dense", "MatMul": "dense"}
# what bends: behind it a layer is complete
# fmt: off
NONLINEAR = frozenset([
    "Abs", "Celu", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Max", "Min", "Mish",
    "PRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu", "Where",
])
LINEAR = frozenset([
    "Add", "BatchNormalization", "Cast", "Div", "Dropout", "Flatten", "Greater", "GreaterOrEqual", "Identity",
    "InstanceNormalization", "LayerNormalization", "Less", "LessOrEqual", "Mul", "Neg", "Reciprocal", "Reshape", "Sqrt",
    "Squeeze", "Sub", "Unsqueeze",
])
# fmt: on
POOLING = frozenset(["MaxPool", "AveragePool"])
SHAPING = frozenset(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast"])


@dataclass
class Structure:
    """A graph's layers, the value that each ends in, and each batch norm (its node's number) by its layer's name."""

    output: str
    layers: list[Layer] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    norms: dict[str, int] = field(default_factory=dict)


def logit(graph: onnx.GraphProto) -> str | None:
    """The value in front of a sigmoid that ends the graph, or None where it ends otherwise."""
    makers = {name: node for node in graph.node for name in node.output}
    name = graph.output[0].name
    while name in makers and makers[name].op_type in SHAPING:
        name = makers[name].input[0]
    if name in makers and makers[name].op_type == "Sigmoid":
        return str(makers[name].input[0])
    return None


def last_activation(graph: onnx.GraphProto) -> str:
    """The operator that ends the graph, reshapes aside."""
    makers = {name: node for node in graph.node for name in node.output}
    name = graph.output[0].name
    while name in makers and makers[name].op_type in SHAPING:
        name = makers[name].input[0]
    return str(makers[name].op_type) if name in makers else ""


def find_layers(graph: onnx.GraphProto, shapes: Mapping[str, tuple[int, ...]], output: str) -> Structure:
    """The layers of a graph that ends in the value `output`, named `conv1`, `deconv1`, `dense1`, ... in order."""
    found = Structure(output)
    constants = _constants(graph)
    counts: dict[str, int] = {}
    nodes = list(graph.node)
    consumers: dict[str, set[int]] = {}
    for number, node in enumerate(nodes):
        if not set(node.output) <= constants:
            for value in node.input:
                consumers.setdefault(value, set()).add(number)
    for index, node in enumerate(nodes):
        kind = KINDS.get(node.op_type)
        if kind is None or node.input[1] not in constants or node.input[0] in constants:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind}{counts[kind]}"
        end, norms = _follow(nodes, index, constants, consumers, output)
        shape = shapes[end]
        found.layers.append(Layer(name, kind, shape[1] if len(shape) > 1 else 1, shape[-1] if len(shape) == 4 else 1))
        found.values[name] = end
        for number in norms:
            found.norms[name if name not in found.norms else f"{name}.{number}"] = number
    for number, node in enumerate(nodes):
        if node.op_type == "BatchNormalization" and number not in found.norms.values():
            found.norms[f"norm{number}"] = number  # in front of the first layer, or behind an activation
    return found


def _constants(graph: onnx.GraphProto) -> set[str]:
    """Values that no input reaches, and sizes, which are fixed but for the batch."""
    constants = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        if node.op_type == "Shape" or all(name in constants for name in node.input):
            constants.update(node.output)
    return constants


def _follow(
    nodes: list[onnx.NodeProto], start: int, constants: set[str], consumers: Mapping[str, set[int]], output: str
) -> tuple[str, list[int]]:
    """Walk from the layer's product as long as all paths meet again, up to the first activation.

    `waiting` holds the values made so far whose consumers are not all walked over; where a single one is left, the
    paths have met, and it may be the layer's end.
    """
    end: str = nodes[start].output[0]
    region, waiting = {end}, {end}
    norms: list[int] = []
    walked: list[int] = []
    for number in range(start + 1, len(nodes)):
        node = nodes[number]
        if end == output or not waiting & set(node.input) or set(node.output) <= constants:
            continue
        if node.op_type not in NONLINEAR | LINEAR or not all(i in region or i in constants for i in node.input):
            break
        region.add(node.output[0])
        waiting.add(node.output[0])
        walked.append(number)
        waiting = {name for name in waiting if name == output or not consumers.get(name, set()) <= set(walked)}
        if waiting <= {node.output[0]}:
            end = node.output[0]
            norms += [n for n in walked if nodes[n].op_type == "BatchNormalization" and n not in norms]
            if any(nodes[n].op_type in NONLINEAR for n in walked):
                break
    behind = consumers.get(end, set())
    if end != output and len(behind) == 1 and nodes[min(behind)].op_type in POOLING:
        end = nodes[min(behind)].output[0]  # as in our own networks: pooling belongs to the layer
    return end, norms
