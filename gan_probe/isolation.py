"""Nothing that an analysis does to the process or to the networks reaches the next one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gan_probe.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gan_probe.gan import GAN
    from gan_probe.snapshot import ModuleSnapshot, NetSnapshot

# libraries note these for themselves when they are imported, once in a process: OpenMP in scikit-learn, and torch
IMPORTS_SET = ("KMP_", "TORCHINDUCTOR_")


@contextmanager
def contained(gan: GAN | None) -> Iterator[list[str]]:
    """Run a block and undo its traces in the process (directory, environment, random states, modes) and the networks.

    Yields a list that names, once the block has ended, what had to be put back. Random states and filters of warnings
    are put back unnamed: many libraries touch them on import.
    """
    import torch

    restored: list[str] = []
    networks = [net for net in (gan.generator, gan.discriminator) if net is not None] if gan is not None else []
    snapshots = [snapshot(network) for network in networks]
    with contextlib.ExitStack() as stack:
        for keep in (_environment, _folder, _random_states, _torch_modes, _signal_handlers):
            stack.callback(_put_back, keep(), restored)
        for before in snapshots:
            stack.callback(_put_back_network, before, restored)
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(torch.inference_mode(False))
        yield restored


def _put_back(restore: Callable[[], str], restored: list[str]) -> None:
    if what := restore():
        restored.append(what)


def _put_back_network(before: ModuleSnapshot | NetSnapshot, restored: list[str]) -> None:
    if before.restore():
        restored.append("the networks' weights, structure, modes or hooks")


# Each of these notes a state, and returns the function that puts it back and says in words what had changed, if so.


def _environment() -> Callable[[], str]:
    before = dict(os.environ)

    def restore() -> str:
        kept = {k: v for k, v in os.environ.items() if k.startswith(IMPORTS_SET) and k not in before}
        if os.environ == before | kept:
            return ""
        os.environ.clear()
        os.environ.update(before | kept)
        return "environment variables"

    return restore


def _folder() -> Callable[[], str]:
    before = os.getcwd()

    def restore() -> str:
        with contextlib.suppress(OSError):  # an analysis may have deleted the folder it stood in
            if os.getcwd() == before:
                return ""
        os.chdir(before)
        return "the working directory"

    return restore


def _random_states() -> Callable[[], str]:
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  # others use it

    def restore() -> str:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        return ""

    return restore


def _torch_modes() -> Callable[[], str]:
    import torch

    def modes() -> tuple[Any, ...]:
        return (
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.get_float32_matmul_precision(),
        )

    before = modes()

    def restore() -> str:
        if modes() == before:
            return ""
        grad, dtype, threads, deterministic, warn_only, cudnn_deterministic, benchmark, precision = before
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic = cudnn_deterministic
        torch.backends.cudnn.benchmark = benchmark
        torch.set_float32_matmul_precision(precision)
        return "torch's global modes"

    return restore


def _signal_handlers() -> Callable[[], str]:
    # only the main thread may set them, and one that no Python code has set (None) cannot be set again
    if threading.current_thread() is not threading.main_thread():
        return lambda: ""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) is not None}

    def restore() -> str:
        changed = [number for number in before if signal.getsignal(number) is not before[number]]
        for number in changed:
            signal.signal(number, before[number])
        return "signal handlers" if changed else ""

    return restore
