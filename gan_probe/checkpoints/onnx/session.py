"""One way to start onnxruntime: on the CPU, repeatable, quiet, and without taking the cores from torch and numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    import onnx
    import onnxruntime


def open_session(model: onnx.ModelProto, what: str = "graph") -> onnxruntime.InferenceSession:
    """A session that runs the model; BadInputError where onnxruntime cannot open the `what`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    # idle threads that spin would take the cores from torch and numpy
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise BadInputError(one_line(f"onnxruntime cannot open the {what}: {error}")) from error
