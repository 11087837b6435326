"""A network spelt out as an ONNX graph, stage by stage: plain operators, batch norms as nodes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn, ones, zeros

from gan_probe.network import StageModule

if TYPE_CHECKING:
    from torch import Tensor

    from gan_probe.checkpoints.weights import Role
    from gan_probe.network import Network
    from gan_probe.stage import Stage

    Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d | nn.LayerNorm

OPSET, IR = 17, 9  # of 2022: every runtime in use reads them
ACTIVATIONS = {
    "relu": "Relu",
    "leaky_relu": "LeakyRelu",
    "elu": "Elu",
    "selu": "Selu",
    "prelu": "PRelu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "none": "Identity",
}


def to_onnx(net: Network, role: Role) -> onnx.ModelProto:
    """The graph of a network that has stored statistics; each layer's activation bears the layer's name.

    Inputs are `z` (N, Z) or `image` (N, C, H, W) float32, and `labels` (N,) int64 where conditional; N is free.
    """
    writer = _Writer(net, role)
    for layer, (name, module) in zip(net.layers, net.named_children(), strict=True):
        assert isinstance(module, StageModule)  # noqa: S101  # Network has no other children
        writer.stage(name, module, layer.size)
    shape: list[str | int | None] = ["N", net.stages[-1].channels, *([] if writer.flat else [writer.size] * 2)]
    graph = helper.make_graph(
        writer.nodes,
        role,
        writer.inputs,
        [helper.make_tensor_value_info(writer.value, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in writer.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    model.producer_name = "gan-probe"
    return model


class _Writer:
    """The graph so far: `value` is its last value, (N, F) where `flat`, else (N, C, size, size)."""

    def __init__(self, net: Network, role: Role) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.flat = role == "generator"
        self.value, self.size = ("z", 1) if self.flat else ("image", net.input_size)
        first = net.stages[0]
        # a dense layer counts pixels, not channels
        channels = first.inputs if self.flat or first.op != "linear" else first.inputs // self.size**2
        shape: list[str | int | None] = ["N", channels, *([] if self.flat else [self.size] * 2)]
        self.inputs = [helper.make_tensor_value_info(self.value, TensorProto.FLOAT, shape)]
        if classes := max(stage.labels for stage in net.stages):
            self.inputs.append(helper.make_tensor_value_info("labels", TensorProto.INT64, ["N"]))
            # compared with 0, 1, ...: unlike OneHot's, the size (N, classes) can be inferred by every tool
            column = self._node("Unsqueeze", ["labels", self._constant("last_axis", [1])], "labels_column")
            same = self._node("Equal", [column, self._constant("classes", [*range(classes)])], "labels_equal")
            self._node("Cast", [same], "one_hot", to=TensorProto.FLOAT)

    def stage(self, name: str, module: StageModule, size: int) -> None:
        """Append a stage, whose output has height and width `size`, in the order in which it acts."""
        stage = module.stage
        if stage.op == "linear" and not self.flat:
            self._act("Flatten", f"{name}.flat", axis=1)
        elif stage.op != "linear" and self.flat:
            self._act("Reshape", f"{name}.pixel", f"{name}.pixel_shape", [0, stage.inputs, 1, 1])
        self.flat = stage.op == "linear"
        if stage.upsample > 1:
            self._enlarge(name, stage)
        if stage.labels:
            self._join_labels(name)
        self._multiply(name, module)
        if stage.norm_last:
            self._bend(f"{name}.bent", module)
        if stage.shape and stage.norm != "unit":
            self._reshape(name, stage.shape)
        if module.norm is not None:
            self._normalise(name, module)
        if stage.shape and stage.norm == "unit":
            self._reshape(name, stage.shape)
        if not stage.norm_last:
            self._bend(f"{name}.bent", module)
        if stage.pool > 1:
            kind, sides = "MaxPool" if stage.pooling == "max" else "AveragePool", [stage.pool] * 2
            self.value = self._node(kind, [self.value], f"{name}.pooled", kernel_shape=sides, strides=sides)
        self.nodes[-1].output[0] = self.value = name  # whatever came last
        self.size = size

    def _bend(self, output: str, module: StageModule) -> None:
        stage, inputs = module.stage, [self.value]
        slope = {"alpha": stage.slope} if stage.activation == "leaky_relu" else {}
        if module.prelu is not None:
            slopes = module.prelu.weight
            inputs.append(self._constant(f"{output}.slopes", slopes if self.flat else slopes[:, None, None]))
        self.value = self._node(ACTIVATIONS[stage.activation], inputs, output, **slope)

    def _enlarge(self, name: str, stage: Stage) -> None:
        self.constants[f"{name}.scales"] = np.array([1, 1, stage.upsample, stage.upsample], np.float32)
        nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        how = nearest if stage.interpolation == "nearest" else {"mode": "linear"}
        self.value = self._node("Resize", [self.value, "", f"{name}.scales"], f"{name}.enlarged", **how)
        self.size *= stage.upsample

    def _join_labels(self, name: str) -> None:
        planes = "one_hot"
        if not self.flat:
            pixel = self._node("Unsqueeze", [planes, self._constant(f"{name}.axes", [2, 3])], f"{name}.one_hot")
            size = self._constant(f"{name}.size", [1, 1, self.size, self.size])
            planes = self._node("Expand", [pixel, size], f"{name}.planes")
        self.value = self._node("Concat", [self.value, planes], f"{name}.joined", axis=1)

    def _multiply(self, name: str, module: StageModule) -> None:
        stage, op = module.stage, module.op
        parameters = [self._constant(f"{name}.weight", op.weight)]
        if op.bias is not None:
            parameters.append(self._constant(f"{name}.bias", op.bias))
        inputs, output = [self.value, *parameters], f"{name}.product"
        if stage.op == "linear":
            self.value = self._node("Gemm", inputs, output, transB=1)
            return
        begin, end = stage.paddings
        geometry: dict[str, Any] = {
            "kernel_shape": [stage.kernel] * 2,
            "strides": [stage.stride] * 2,
            "pads": [begin, begin, end, end],
        }
        if stage.op == "conv":
            self.value = self._node("Conv", inputs, output, **geometry)
        else:
            geometry["output_padding"] = [stage.output_padding] * 2
            self.value = self._node("ConvTranspose", inputs, output, **geometry)
        if any(stage.border):
            begin, end = stage.border
            pads = self._constant(f"{name}.border", [0, 0, begin, begin, 0, 0, end, end])
            self.value = self._node("Pad", [self.value, pads], f"{name}.bordered", mode="constant")

    def _normalise(self, name: str, module: StageModule) -> None:
        norm = module.norm
        if isinstance(norm, nn.InstanceNorm2d | nn.LayerNorm):
            by_layer = isinstance(norm, nn.LayerNorm)
            shape = norm.normalized_shape if isinstance(norm, nn.LayerNorm) else (norm.num_features,)
            names = self._gain_and_shift(name, norm, shape)
            kind, axis = ("LayerNormalization", {"axis": 1}) if by_layer else ("InstanceNormalization", {})
            self.value = self._node(kind, [self.value, *names], f"{name}.normal", epsilon=norm.eps, **axis)
            return
        # the caller has seen to statistics
        assert norm is not None and norm.running_mean is not None and norm.running_var is not None  # noqa: S101, PT018
        names = self._gain_and_shift(name, norm, (norm.num_features,))
        held = {"mean": norm.running_mean, "variance": norm.running_var}
        names += [self._constant(f"{name}.{key}", tensor) for key, tensor in held.items()]
        self.value = self._node("BatchNormalization", [self.value, *names], f"{name}.normal", epsilon=module.stage.eps)

    def _gain_and_shift(self, name: str, norm: Norm, shape: tuple[int, ...]) -> list[str]:
        """Names of a norm's gain and shift, which the operator wants even where the norm has none."""
        gain, shift = norm.weight, norm.bias
        return [
            self._constant(f"{name}.gain", ones(shape) if gain is None else gain),
            self._constant(f"{name}.shift", zeros(shape) if shift is None else shift),
        ]

    def _reshape(self, name: str, shape: tuple[int, int, int]) -> None:
        self._act("Reshape", f"{name}.reshaped", f"{name}.shape", [0, *shape])  # 0 keeps the batch
        self.flat = False

    def _act(self, op: str, output: str, argument: str = "", value: list[int] | None = None, **attributes: Any) -> None:
        inputs = [self.value] + ([] if value is None else [self._constant(argument, value)])
        self.value = self._node(op, inputs, output, **attributes)

    def _node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, value: Tensor | list[int]) -> str:
        array = np.array(value, np.int64) if isinstance(value, list) else value.detach().cpu().numpy()
        self.constants[name] = np.ascontiguousarray(array)
        return name
