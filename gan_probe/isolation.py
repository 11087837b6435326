"""Nothing that an analysis does to the process or to the networks reaches the next one."""

from __future__ import annotations

import contextlib
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gan_probe.library_state import LIBRARIES
from gan_probe.patches import patches
from gan_probe.process_state import PROCESS
from gan_probe.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gan_probe.gan import GAN
    from gan_probe.snapshot import ModuleSnapshot, NetSnapshot


@contextmanager
def contained(gan: GAN | None) -> Iterator[list[str]]:
    """Run a block and undo its traces: in the process, in the libraries, in our own code, and in the networks.

    Yields a list that names, once the block has ended, what had to be put back. Random states and filters of warnings
    are put back unnamed: many libraries touch them on import.
    """
    import torch

    restored: list[str] = []
    networks = [net for net in (gan.generator, gan.discriminator) if net is not None] if gan is not None else []
    with contextlib.ExitStack() as stack:
        # undone from the last to the first: code and modes before the networks, whose values are compared by torch
        for network in networks:
            stack.callback(_put_back_network, snapshot(network), restored)
        stack.enter_context(torch.inference_mode(False))
        for keep in (*PROCESS, *LIBRARIES, patches):
            stack.callback(_put_back, keep(), restored)
        stack.enter_context(warnings.catch_warnings())
        yield restored


def _put_back(restore: Callable[[], str], restored: list[str]) -> None:
    if what := restore():
        restored.append(what)


def _put_back_network(before: ModuleSnapshot | NetSnapshot, restored: list[str]) -> None:
    if before.restore():
        restored.append("the networks' weights, structure, modes or hooks")
