"""From numpy to the device that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


def sent(values: np.ndarray, device: str | torch.device) -> Tensor:
    """The values on a device; to a CUDA one without anybody waiting: from other memory, all queued work would be."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)  # never without waiting: MPS would read memory that is free by then (pytorch 189690)
