"""A module of the user's own class as an ONNX graph, by torch's exporter."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    import onnx

    from gan_probe.checkpoints.weights import Role
    from gan_probe.wrapped import Wrapped


class _Raw(nn.Module):
    """What the user's module makes itself: a sigmoid that ends it stays a node, which the reader knows."""

    def __init__(self, wrapped: Wrapped) -> None:
        super().__init__()
        self.wrapped = wrapped

    def forward(self, x: Tensor) -> Tensor:
        return self.wrapped.raw(x)


def by_torch(net: Wrapped, x: Tensor, role: Role) -> onnx.ModelProto:
    """The graph of a wrapped module, N free; BadInputError where torch's exporter is not there or fails."""
    if find_spec("onnxscript") is None:
        raise BadInputError("torch writes your own classes as ONNX with onnxscript: pip install 'gan-probe[classes]'")
    raw = _Raw(net).eval()
    name = "z" if role == "generator" else "image"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch speaks of its own ways here
            program = torch.onnx.export(
                raw,
                (x.to(next(net.parameters()).device),),
                dynamo=True,
                verbose=False,
                input_names=[name],
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            )
    except Exception as error:  # of dozens of kinds
        first = str(error.__cause__ or error)
        raise BadInputError(one_line(f"torch cannot write the {role} as ONNX: {first}", 160)) from error
    assert program is not None  # noqa: S101  # it is, without a file's name
    return program.model_proto
