"""What a graph will cost, told from its shapes before anything runs: numbers in memory and multiplications."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

LARGEST_VALUE = 2**26  # numbers in any one value for one input: 256 MiB of float32
LARGEST_TOTAL = 2**28  # in all values together, weights included
MOST_WORK = 2**36  # multiplications for one input: about 5 s on one core; the paper's 64-pixel GAN needs 2**32
PER_NUMBER = 16  # multiplications that one number of an element-wise operator stands for
# fmt: off
# work in proportion to what goes in and comes out
PROPORTIONAL = frozenset([
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization",
    "Cast", "CastLike", "Ceil", "Celu", "Clip", "Concat", "ConstantOfShape", "Cos", "Cosh", "CumSum", "DepthToSpace",
    "DequantizeLinear", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten", "Floor",
    "Gather", "GatherElements", "GatherND", "Gelu", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater",
    "GreaterOrEqual", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization",
    "IsInf", "IsNaN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "LpNormalization",
    "Max", "Mean", "MeanVarianceNormalization", "Min", "Mish", "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or",
    "PRelu", "Pad", "Pow", "QuantizeLinear", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu",
    "Reshape", "Resize", "RMSNormalization", "Round", "ScatterElements", "ScatterND", "Selu", "Shape", "Shrink",
    "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split",
    "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu",
    "Unsqueeze", "Upsample", "Where", "Xor",
])
# a window slides over the input, or rows meet columns
PRODUCTS = frozenset(["Conv", "ConvTranspose", "Gemm", "MatMul", "AveragePool", "LpPool", "MaxPool", "LRN"])
# fmt: on
RANDOM = frozenset(
    ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"]
)


def check_cost(graph: onnx.GraphProto, shapes: Mapping[str, tuple[int, ...]], batch: int = 1) -> None:
    """Raise BadInputError for a graph that would need more than about 1 GB or a few seconds for its batch.

    `shapes` are those of all values for a batch of 1. An operator whose work cannot be told is refused by its name.
    """
    work = 0
    what = "one input" if batch == 1 else f"its batch, which is fixed to {batch:,}"
    for node in graph.node:
        if node.op_type in RANDOM:
            raise BadInputError(f"its operator {node.op_type} draws other numbers each time; give it none, or a z more")
        if node.op_type not in PROPORTIONAL | PRODUCTS:
            raise BadInputError(f"what its operator {node.op_type} costs cannot be told before it runs; export without")
        if any(name and name not in shapes for name in (*node.input, *node.output[:1])):
            raise BadInputError(f"the size of what {node.op_type} takes is not known; export it for images of one size")
        ends = [shapes[name] for name in (*node.input, *node.output) if name in shapes]
        if any(size < 0 for shape in ends for size in shape):
            raise BadInputError(f"its operator {node.op_type} has a value of negative size; get it again")
        largest = max(map(math.prod, ends), default=0)
        if largest > LARGEST_VALUE:
            raise BadInputError(f"{node.op_type} would make {largest:,} numbers; not run")
        work += PER_NUMBER * sum(map(math.prod, ends)) + _products(node, shapes)
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    numbers = weights + batch * (sum(map(math.prod, shapes.values())) - weights)
    if work * batch > MOST_WORK:
        raise BadInputError(f"it would multiply more than {MOST_WORK:,} numbers for {what}; not run")
    if numbers > LARGEST_TOTAL:
        raise BadInputError(f"its values would need more than 1 GB for {what}; not run")


def _products(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Multiplications of a node beyond those that are in proportion to its values."""
    given, made = (math.prod(shapes[name]) for name in (node.input[0], node.output[0]))
    if node.op_type == "Conv":
        return made * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return given * math.prod(shapes[node.input[1]][1:])
    if node.op_type in ("Gemm", "MatMul"):
        left = shapes[node.input[0]]
        return made * max(left[:1] + left[-1:])  # Gemm may transpose its left side
    if node.op_type in PRODUCTS:
        size = [a.i for a in node.attribute if a.name == "size"]
        kernel = next((a.ints for a in node.attribute if a.name == "kernel_shape"), size)
        return made * min(given, int(math.prod(kernel)))
    return 0
