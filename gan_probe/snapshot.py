"""A network as it was: its modules, hooks and flags, and the values of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

    from gan_probe.gan import Net

# torch keeps this flag after the last full backward hook is gone
STICKY = "_is_full_backward_hook"


class _Weight(NamedTuple):
    tensor: torch.Tensor
    value: torch.Tensor
    requires_grad: bool
    grad: torch.Tensor | None


def snapshot(network: Net) -> ModuleSnapshot | NetSnapshot:
    """What a network is at this moment, ready to be put back."""
    import torch

    return ModuleSnapshot(network) if isinstance(network, torch.nn.Module) else NetSnapshot(network)


class NetSnapshot:
    """A network that torch does not run: its attributes and statistics; caches within them stay."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._attributes = dict(getattr(net, "__dict__", {}))
        self._statistics = net.statistics

    def restore(self) -> bool:
        """Put everything back; False: statistics come and go while moments are taken, which is nothing to report."""
        if self._attributes:
            vars(self._net).clear()
            vars(self._net).update(self._attributes)
        self._net.statistics = self._statistics
        return False


class ModuleSnapshot:
    """A torch module with all below it: structure, hooks, flags, and the values of parameters and buffers."""

    def __init__(self, network: torch.nn.Module) -> None:
        modules = list(network.modules())
        # by module: its class (parametrizations swap it), its attributes, and copies of those that are containers
        self._modules = [(m, type(m), dict(vars(m)), _containers(m)) for m in modules]
        tensors = [*network.parameters(), *network.buffers()]
        self._weights = [_Weight(t, t.detach().clone(), t.requires_grad, t.grad) for t in tensors]

    def restore(self) -> bool:
        """Put everything back; whether anything that counts had changed."""
        changed = False
        for module, kind, attributes, containers in self._modules:
            changed |= type(module) is not kind or not _same_attributes(module, attributes, containers)
            if type(module) is not kind:
                module.__class__ = kind
            vars(module).clear()
            vars(module).update(attributes)
            for name, content in containers.items():
                # the very container: the handles of hooks refer to it
                attributes[name].clear()
                attributes[name].update(content)
        for weight in self._weights:
            changed |= _restore_weight(weight)
        return changed


def _containers(module: Any) -> dict[str, dict[Any, Any] | set[Any]]:
    return {name: value.copy() for name, value in vars(module).items() if isinstance(value, dict | set)}


def _same_attributes(module: Any, attributes: dict[str, Any], containers: dict[str, Any]) -> bool:
    now = vars(module)
    return set(now) == set(attributes) and all(
        name == STICKY or _same(now[name], containers.get(name, value)) for name, value in attributes.items()
    )


def _same(now: Any, before: Any) -> bool:
    import torch

    if isinstance(before, dict):
        return (
            isinstance(now, dict) and list(now) == list(before) and all(_same(now[key], before[key]) for key in before)
        )
    if isinstance(before, set):
        return isinstance(now, set) and now == before
    if isinstance(before, torch.Tensor):
        # batch norm's statistics are rightly replaced by equal ones while moments are taken
        return now is before or (type(now) is type(before) and _equal(now, before))
    return now is before


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    import torch

    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)


def _restore_weight(weight: _Weight) -> bool:
    tensor, value, requires_grad, grad = weight
    changed = False
    if not _equal(tensor.detach(), value):
        tensor.data, changed = value, True
    if tensor.requires_grad != requires_grad or tensor.grad_fn is not None:
        tensor.detach_().requires_grad_(requires_grad)
        changed = True
    if tensor.grad is not grad:
        tensor.grad = grad  # left over by any backward pass: nothing to speak of
    return changed
