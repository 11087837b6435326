"""ONNX files as others write them: one input x, one output y, and a discriminator of two layers to put into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

Node = tuple[str, str, str, dict[str, object]]  # operator, names of its inputs, of its outputs, attributes

IMAGES = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (5, 2, 8, 8)).astype(np.float32))
CONV = {"strides": [2, 2], "pads": [1, 1, 1, 1], "kernel_shape": [4, 4]}
HEAD: list[Node] = [("Flatten", "a", "f", {}), ("Gemm", "f w2", "l", {"transB": 1}), ("Sigmoid", "l", "y", {})]


def graph(
    nodes: Iterable[Node | onnx.NodeProto],
    weights: Mapping[str, object],
    inputs: Sequence[tuple[str, int, Sequence[object]]] = (("x", TensorProto.FLOAT, ("N", 2, 8, 8)),),
    output: Sequence[object] = ("N", 1),
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
) -> onnx.ModelProto:
    """A file's content: inputs by name, type and shape; the type and shape of the output."""
    made = helper.make_graph(
        [node if isinstance(node, onnx.NodeProto) else written(*node) for node in nodes],
        "foreign",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info("y", kind, output)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def written(operator: str, inputs: str, outputs: str, attributes: dict[str, object]) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(" "), outputs.split(" "), **attributes)


def saved(folder: Path, proto: onnx.ModelProto, name: str = "d.onnx") -> Path:
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def tensor(name: str, *shape: int, dtype: type = np.float32, scale: float = 0.3) -> np.ndarray:
    """Normal numbers, others for every name."""
    return np.random.default_rng(list(name.encode())).normal(0, scale, shape).astype(dtype)


def weights(dtype: type = np.float32) -> dict[str, np.ndarray]:
    """Of the convolution CONV and of the dense layer in HEAD."""
    return {
        "w": tensor("w", 3, 2, 4, 4, dtype=dtype),
        "b": tensor("b", 3, dtype=dtype),
        "w2": tensor("w2", 1, 48, dtype=dtype),
    }


def convolved(held: Mapping[str, np.ndarray]) -> torch.Tensor:
    """What CONV makes of IMAGES, before its activation."""
    w, b = (torch.tensor(held[name]).float() for name in ("w", "b"))
    return torch.nn.functional.conv2d(IMAGES, w, b, 2, 1)


def expected(held, activation=lambda h: torch.nn.functional.leaky_relu(h, 0.2)):
    """The hidden layer and the logits that these weights make of IMAGES."""
    h = activation(convolved(held))
    return h, h.flatten(1) @ torch.tensor(held["w2"]).float().T
