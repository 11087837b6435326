"""Reading an ONNX graph as a plain chain of stages, each with its weights; what is none is refused by its operator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx

from gan_probe.checkpoints.onnx.part import Part, attributes, convolution, refused, written
from gan_probe.checkpoints.onnx.session import open_session
from gan_probe.checkpoints.onnx.surgery import exposed
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gan_probe.stage import Stage

PASSING = frozenset(["Identity", "Dropout", "Cast"])
SHAPING = frozenset(["Reshape", "Flatten", "Squeeze", "Unsqueeze"])
BENDS = {"Relu": "relu", "Elu": "elu", "Selu": "selu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
STANDARD = {"Elu": {"alpha": 1.0}, "Selu": {"alpha": 1.6732632, "gamma": 1.0507010}}  # what torch computes
ROLES = ("weight", "bias", "running_mean", "running_var")  # of a BatchNormalization's inputs, in order


def read_chain(
    model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]], inputs: list[str], output: str
) -> list[tuple[Stage, dict[str, np.ndarray]]]:
    """The stages from the first of `inputs` (the other is of class labels) to the value `output`.

    `shapes` are for a batch of 1. Raises BadInputError naming the operator that no stage can hold. What an operator
    means in detail (a rounding, a one-hot code) is for the caller to compare with onnxruntime.
    """
    return _Chain(exposed(model, [output]), shapes, inputs, output).parts()


class _Chain:
    def __init__(
        self, model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]], inputs: list[str], output: str
    ) -> None:
        self.model, self.shapes, self.output = model, shapes, output
        self.labels = _reached(model.graph, inputs[1:])
        self.reached = _reached(model.graph, inputs[:1])
        self.value = inputs[0]
        self.part = Part()
        self.done: list[Part] = []
        self.stored = {tensor.name: tensor for tensor in model.graph.initializer}

    def parts(self) -> list[tuple[Stage, dict[str, np.ndarray]]]:
        acts: dict[str, Callable[[onnx.NodeProto], None]] = {
            "Conv": self._convolve,
            "ConvTranspose": self._convolve,
            "Gemm": self._multiply,
            "MatMul": self._multiply,
            "BatchNormalization": self._normalise,
            "Resize": self._enlarge,
            "Upsample": self._enlarge,
            "Pad": self._pad,
            "Concat": self._join,
            **dict.fromkeys(("Add", "Sub", "Mul", "Div"), self._scale),
            **dict.fromkeys((*BENDS, "LeakyRelu", "PRelu"), self._bend),
            **dict.fromkeys(SHAPING, self._shape),
        }
        while self.value != self.output:
            node = self._next()
            if node.op_type in acts:
                acts[node.op_type](node)
            elif node.op_type not in PASSING:
                raise refused(node)
            self.value = node.output[0]
        self._finish()
        return [(part.stage, part.weights) for part in self.done]

    def _next(self) -> onnx.NodeProto:
        """The one node that takes the value; a leaky ReLU written as a maximum counts as one."""
        users: list[onnx.NodeProto] = [
            node for node in self.model.graph.node if self.value in node.input and node.output[0] in self.reached
        ]
        if len(users) == 1:
            return users[0]
        match sorted(users, key=lambda node: node.op_type):
            case [most, scaled] if (most.op_type, scaled.op_type) == ("Max", "Mul") and len(most.input) == 2:
                factor = [name for name in scaled.input if name != self.value]
                if set(most.input) == {self.value, scaled.output[0]} and len(factor) == 1:
                    slope = self._array(factor[0])
                    if slope.size == 1 and 0 <= slope.item() <= 1:
                        ends = [self.value], [most.output[0]]
                        leaky: onnx.NodeProto = onnx.helper.make_node("LeakyRelu", *ends, alpha=float(slope.item()))
                        return leaky
        some = " and ".join(sorted({node.op_type for node in users})) or "nothing"
        raise BadInputError(f"its graph is no plain chain: {some} take one value")

    def _finish(self) -> None:
        """Close the stage in the making; what was to come in front of a product must have met one."""
        if self.part.outputs:
            self.done.append(self.part)
        elif self.part.fields:
            raise BadInputError(f"its graph ends in {' and '.join(self.part.fields)} behind the last layer")
        self.part = Part()

    def _start(self, node: onnx.NodeProto) -> Part:
        """The stage of a new product, holding what was done to its input: padded, enlarged, joined by labels."""
        if self.part.outputs:
            self._finish()
        if node.input[0] != self.value:
            raise refused(node, "of a weight by a value")
        return self.part

    def _convolve(self, node: onnx.NodeProto) -> None:
        part = self._start(node)
        weight = self._array(node.input[1])
        sizes = (self.shapes[node.input[0]][2:], self.shapes[node.output[0]][2:])
        stage = convolution(node, weight.shape, sizes)
        padding = part.fields.pop("padding", 0)
        if padding and stage["op"] != "conv":
            raise refused(node, "behind a Pad")
        stage["inputs"] -= part.fields.get("labels", 0)
        part.fields |= {**stage, "padding": stage["padding"] + padding}
        self._weigh(node, weight)

    def _multiply(self, node: onnx.NodeProto) -> None:
        part = self._start(node)
        weight = self._array(node.input[1])
        given = attributes(node)
        if weight.ndim != 2 or given.get("transA", 0) or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
            raise refused(node, "with factors")
        if len(self.shapes[self.value]) != 2 or part.fields.keys() - {"labels"}:
            raise refused(node, "by pixel")
        weight = weight if given.get("transB", 0) else weight.T
        part.fields |= {
            "op": "linear",
            "inputs": weight.shape[1] - part.fields.get("labels", 0),
            "outputs": weight.shape[0],
        }
        self._weigh(node, weight)

    def _weigh(self, node: onnx.NodeProto, weight: np.ndarray) -> None:
        self.part.weights["op.weight"] = weight
        if len(node.input) > 2 and node.input[2]:
            bias = self._array(node.input[2])
            self.part.weights["op.bias"] = np.broadcast_to(bias.reshape(-1), [self.part.outputs])

    def _scale(self, node: onnx.NodeProto) -> None:
        """A constant added or multiplied by channel: a bias on its own, or a norm that was folded."""
        other = next((name for name in node.input if name != self.value), self.value)
        swapped = node.input[0] != self.value and node.op_type in ("Sub", "Div")
        if other in self.reached | self.labels or swapped:
            raise refused(node, "of two values")
        if not self.part.outputs or self.part.bent or self._flattened():
            raise refused(node, "in front of a layer or behind an activation")
        shape = self.shapes[node.output[0]]
        constant = np.broadcast_to(self._array(other), (1, *shape[1:])).reshape(shape[1], -1)  # (C, H * W)
        if (constant != constant[:, :1]).any():
            raise refused(node, "that differs from pixel to pixel")
        c = constant[:, 0]
        zero, one = np.zeros_like(c), np.ones_like(c)
        by = {"Add": (one, c), "Sub": (one, -c), "Mul": (c, zero), "Div": (1 / c, zero)}
        self.part.scale(*by[node.op_type])

    def _flattened(self) -> bool:
        """Whether the value holds a convolution's maps side by side."""
        return self.part.fields["op"] != "linear" and self.shapes[self.value][1] != self.part.outputs

    def _normalise(self, node: onnx.NodeProto) -> None:
        part = self.part
        if not part.outputs or part.normal or self._flattened():
            raise refused(node, "in front of a layer, or twice in one")
        unit = part.fields["op"] == "linear" and len(self.shapes[self.value]) == 2
        part.fields |= {"norm": "unit" if unit else "channel", "norm_last": part.bent}
        part.fields["eps"] = written(attributes(node).get("epsilon", 1e-5))
        arrays = [self._array(name) for name in node.input[1:]]
        part.weights |= {f"norm.{name}": array for name, array in zip(ROLES, arrays, strict=True)}

    def _bend(self, node: onnx.NodeProto) -> None:
        part = self.part
        if not part.outputs or part.bent or part.fields.get("norm_last"):
            raise refused(node, "in front of a layer, or behind another activation")
        given = attributes(node)
        for name, value in STANDARD.get(node.op_type, {}).items():
            if not math.isclose(given.get(name, value), value, rel_tol=1e-5):
                raise refused(node, f"with {name} {given[name]:g}")
        part.fields["activation"] = BENDS.get(node.op_type, "leaky_relu")
        if node.op_type == "LeakyRelu":
            part.fields["slope"] = written(given.get("alpha", 0.01))
        elif node.op_type == "PRelu":
            slopes = np.unique(self._array(node.input[1]))
            if len(slopes) != 1:
                raise refused(node, "with a slope for each channel")
            part.fields["slope"] = written(slopes[0])

    def _shape(self, node: onnx.NodeProto) -> None:
        before, after = (self.shapes[name][1:] for name in (self.value, node.output[0]))
        if math.prod(before) != math.prod(after):
            raise refused(node, "that mixes images")
        if len(before) == 1 and len(after) == 3 and after[1:] != (1, 1):
            if self.part.fields.get("op") != "linear" or "shape" in self.part.fields or after[1] != after[2]:
                raise refused(node, f"to {after}")
            self.part.fields["shape"] = after
        elif before != after and len(after) > 1 and math.prod(after) != max(after):
            raise refused(node, f"from {before} to {after}")

    def _enlarge(self, node: onnx.NodeProto) -> None:
        before, after = (self.shapes[name] for name in (self.value, node.output[0]))
        mode = attributes(node).get("mode", b"nearest").decode()
        if self.part.outputs:
            self._finish()
        factors = {a / b for a, b in zip(after[2:], before[2:], strict=True)}
        whole = len(factors) == 1 and min(factors) > 1 and min(factors).is_integer() and before[:2] == after[:2]
        if not whole or mode not in ("nearest", "linear") or self.part.fields:
            raise refused(node, f"of {before[2:]} to {after[2:]}, {mode}")
        self.part.fields |= {
            "upsample": int(min(factors)),
            "interpolation": {"nearest": "nearest", "linear": "bilinear"}[mode],
        }

    def _pad(self, node: onnx.NodeProto) -> None:
        given = attributes(node)
        inputs = [self._array(name) if name else None for name in node.input[1:]]
        pads = np.asarray(given["pads"] if "pads" in given else inputs[0])
        filled = inputs[1] if len(inputs) > 1 and inputs[1] is not None else np.array(given.get("value", 0.0))
        rest, sides = (pads.reshape(2, -1)[:, part] for part in (slice(2), slice(2, None)))
        same = len(self.shapes[self.value]) == 4 and pads.size == 8 and not rest.any() and len(set(sides.flat)) == 1
        if given.get("mode", b"constant") != b"constant" or filled.any() or not same or sides.min() < 0:
            raise refused(node, "other than by zeros, as many on each side")
        if self.part.outputs:
            self._finish()
        if "labels" in self.part.fields:
            raise refused(node, "behind labels")
        self.part.fields["padding"] = self.part.fields.get("padding", 0) + int(sides.flat[0])

    def _join(self, node: onnx.NodeProto) -> None:
        axis = attributes(node).get("axis", 0)
        rank = len(self.shapes[self.value])
        if [*node.input[:1], axis % rank] != [self.value, 1] or set(node.input[1:]) - (self.labels - self.reached):
            raise refused(node, "of other things than labels")
        if self.part.outputs:
            self._finish()
        if "labels" in self.part.fields or "padding" in self.part.fields:
            raise refused(node, "of labels twice, or behind a Pad")
        self.part.fields["labels"] = sum(self.shapes[name][1] for name in node.input[1:])

    def _array(self, name: str) -> np.ndarray:
        """A constant, computed where the graph computes it."""
        if name in self.stored:
            return onnx.numpy_helper.to_array(self.stored[name])
        if name in self.reached or name in self.labels:
            raise BadInputError("one of its weights is computed from its input")
        inner = exposed(self.model, [name])
        del inner.graph.input[:]
        try:
            found = open_session(inner).run([name], {})[0]
        except Exception as error:  # onnxruntime's errors have no common base
            raise BadInputError(f"one of its weights cannot be computed: {error}") from error
        return np.asarray(found)


def _reached(graph: onnx.GraphProto, sources: list[str]) -> set[str]:
    found = set(sources)
    for node in graph.node:
        if found & set(node.input):
            found.update(node.output)
    return found
