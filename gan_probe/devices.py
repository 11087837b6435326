"""Where networks run: the devices that may be named, and the one to take where none is."""

from __future__ import annotations

import re

from gan_probe.errors import BadInputError, one_line

NAMES = re.compile(r"cpu|(cuda|xpu)(:\d{1,3})?|mps")


def check_device(name: str) -> str:
    """The name itself: `cpu`, `cuda`, `cuda:1`, `mps` or `xpu`; BadInputError for others and for what is not there."""
    import torch

    if not NAMES.fullmatch(name):
        raise BadInputError(f"device {one_line(name, 40)!r} is not known: use cpu, cuda, cuda:1, mps or xpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):  # torch without CUDA asserts
        raise BadInputError(f"device {name!r} is not to be had here: use cpu") from None
    return name


def best_device() -> str:
    """The first accelerator there is, of CUDA, MPS and XPU, else the CPU."""
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": torch.xpu.is_available(),
    }
    return next((name for name, is_there in there.items() if is_there), "cpu")
