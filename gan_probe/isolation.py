"""Nothing that an analysis does to the process or to the weights reaches the next one."""

from __future__ import annotations

import contextlib
import os
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from gan_probe.gan import GAN

    Snapshot = tuple[dict[str, torch.Tensor], list[bool], list[set[int]]]


@contextmanager
def contained(gan: GAN | None) -> Iterator[list[str]]:
    """Run a block and undo its traces: working directory, random states, torch modes, weights, modes and hooks.

    Yields a list that names, once the block has ended, what had to be put back.
    """
    import numpy as np
    import torch

    restored: list[str] = []
    nets = [net for net in (gan.generator, gan.discriminator) if net is not None] if gan is not None else []
    networks = [net for net in nets if isinstance(net, torch.nn.Module)]
    others = [net for net in nets if not isinstance(net, torch.nn.Module)]
    folder = os.getcwd()
    environment = dict(os.environ)
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  # others use it
    modes = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()
    kept = [_snapshot(network) for network in networks]
    statistics = [net.statistics for net in others]
    try:
        with torch.inference_mode(False):
            yield restored
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
            restored.append("environment variables")
        with contextlib.suppress(OSError):  # an analysis may have deleted the folder it stood in
            if os.getcwd() == folder:
                folder = ""
        if folder:
            os.chdir(folder)
            restored.append("the working directory")
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if (torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()) != modes:
            torch.set_grad_enabled(modes[0])
            torch.set_default_dtype(modes[1])
            torch.set_num_threads(modes[2])
            restored.append("torch's global modes")
        for network, before in zip(networks, kept, strict=True):
            if _restore(network, before):
                restored.append("the networks' weights, modes or hooks")
        for net, stored in zip(others, statistics, strict=True):
            net.statistics = stored


def _snapshot(network: torch.nn.Module) -> Snapshot:
    weights = {key: value.detach().clone() for key, value in network.state_dict().items()}
    return weights, [m.training for m in network.modules()], _hooks(network)


def _hooks(network: torch.nn.Module) -> list[set[int]]:
    return [{*m._forward_hooks, *m._forward_pre_hooks, *m._backward_hooks} for m in network.modules()]


def _restore(network: torch.nn.Module, before: Snapshot) -> bool:
    import torch

    weights, training, hooks = before
    changed = False
    now = network.state_dict()
    for key, value in weights.items():
        same = key in now and now[key].shape == value.shape and now[key].dtype == value.dtype
        if not same or not torch.equal(now[key], value):
            changed = True
    if changed:
        _put_back(network, weights)
    for module, mode in zip(network.modules(), training, strict=True):
        if module.training != mode:
            module.training, changed = mode, True
    if _hooks(network) != hooks:
        changed = True
        for module, known in zip(network.modules(), hooks, strict=True):
            for registry in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
                for number in set(registry) - known:
                    del registry[number]
    return changed


def _put_back(network: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    import torch

    for key, value in weights.items():
        owner = network.get_submodule(key.rpartition(".")[0])
        leaf = key.rpartition(".")[2]
        if leaf in owner._buffers:
            owner._buffers[leaf] = value
        else:
            owner._parameters[leaf] = torch.nn.Parameter(value)
