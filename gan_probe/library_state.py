"""What libraries keep for a whole process: noted, and put back behind an analysis, as in `process_state`."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# switches that libraries keep as attributes of a module; what is not imported yet is left alone
SWITCHES = {
    "PIL.Image": ("MAX_IMAGE_PIXELS",),
    "PIL.ImageFile": ("LOAD_TRUNCATED_IMAGES",),
    "logging": ("raiseExceptions",),
}


def _random_states() -> Callable[[], str]:
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  # others use it
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]

    def restore() -> str:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        return ""

    return restore


def _torch_modes() -> Callable[[], str]:
    import torch

    def modes() -> tuple[Any, ...]:
        return (
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.get_float32_matmul_precision(),
            torch.is_autocast_enabled("cpu"),
            torch.is_autocast_enabled("cuda"),
            torch.is_anomaly_enabled(),
        )

    before = modes()

    def restore() -> str:
        if modes() == before:
            return ""
        grad, dtype, device, threads, deterministic, warn_only, cudnn_deterministic, benchmark, precision = before[:9]
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        torch.set_default_device(None if device == torch.device("cpu") else device)  # None: as nobody ever set it
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic = cudnn_deterministic
        torch.backends.cudnn.benchmark = benchmark
        torch.set_float32_matmul_precision(precision)
        torch.set_autocast_enabled("cpu", before[9])
        torch.set_autocast_enabled("cuda", before[10])
        torch.autograd.set_detect_anomaly(before[11])
        return "torch's global modes"

    return restore


def _torch_hooks() -> Callable[[], str]:
    """Hooks on every module there is; torch gives them back only to who holds their handle."""
    from torch.nn.modules import module

    tables = {name: value for name, value in vars(module).items() if name.startswith("_global_") and _is_dict(value)}
    before = {name: dict(table) for name, table in tables.items()}

    def restore() -> str:
        changed = [name for name in tables if tables[name] != before[name]]
        for name in changed:
            tables[name].clear()
            tables[name].update(before[name])
        return "torch's global hooks" if changed else ""

    return restore


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _numpy_settings() -> Callable[[], str]:
    import numpy as np

    errors, printing = np.geterr(), np.get_printoptions()

    def restore() -> str:
        if np.geterr() == errors and np.get_printoptions() == printing:
            return ""
        np.seterr(**errors)
        np.set_printoptions(**printing)
        return "numpy's settings"

    return restore


def _matplotlib_settings() -> Callable[[], str]:
    if "matplotlib" not in sys.modules:  # it takes long to import: an analysis that does has all settings fresh
        return lambda: ""
    import matplotlib as mpl

    before = dict.copy(mpl.rcParams)  # not rcParams.copy(), which would choose a backend

    def restore() -> str:
        if dict(mpl.rcParams.items()) == before:
            return ""
        dict.clear(mpl.rcParams)
        dict.update(mpl.rcParams, before)
        return "matplotlib's settings"

    return restore


def _switches() -> Callable[[], str]:
    modules = {name: sys.modules[name] for name in SWITCHES if name in sys.modules}
    before = {(name, key): getattr(module, key) for name, module in modules.items() for key in SWITCHES[name]}

    def restore() -> str:
        changed = [f"{name}.{key}" for (name, key), value in before.items() if getattr(modules[name], key) != value]
        for (name, key), value in before.items():
            setattr(modules[name], key, value)
        return " and ".join(changed)

    return restore


LIBRARIES = (_random_states, _torch_modes, _torch_hooks, _numpy_settings, _matplotlib_settings, _switches)
