"""Editing what a layer puts out while a network runs: maps dropped, or something added, within a `with` block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.errors import BadInputError, one_line
from gan_probe.network import Network
from gan_probe.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from gan_probe.gan import Net


@contextmanager
def edited(net: Net, layer: str, *, drop: Sequence[int] = (), add: Tensor | None = None) -> Iterator[None]:
    """Within the block, `net` runs with the maps `drop` of a layer at 0 everywhere, and then `add` added to its output.

    The output is that of `activations`: after its activation, (N, C, H, W) or (N, F), and `drop` counts along C or F;
    `add` is of a shape that broadcasts to it. Everything after the layer sees the edit, `activations` included. The
    network is as before when the block ends, also by an error. Raises BadInputError for a network that torch does not
    run, a layer or a map that there is not, and for a shape that does not fit, the last only when the network runs.
    """
    known = {known.name: known for known in net.layers}
    if layer not in known:
        raise BadInputError(one_line(f"there is no layer {one_line(layer, 30)!r} to edit; it has {', '.join(known)}"))
    maps = sorted(set(drop))
    channels = known[layer].channels
    if maps and not 0 <= maps[0] <= maps[-1] < channels:
        raise BadInputError(f"{layer} has maps 0 to {channels - 1}; it cannot drop {maps[0]} to {maps[-1]}")

    def change(output: Tensor) -> Tensor:
        if maps:
            kept = torch.ones(output.shape[1], dtype=output.dtype, device=output.device)
            kept[maps] = 0
            output = output * kept.reshape(1, -1, *[1] * (output.dim() - 2))
        if add is None:
            return output
        try:
            moved = output + add.to(output)
        except RuntimeError:
            moved = None
        if moved is None or moved.shape != output.shape:
            raise BadInputError(f"what is added to {layer} is {tuple(add.shape)}; it must fit {tuple(output.shape)}")
        return moved

    with _changed(net, layer, change):
        yield


@contextmanager
def _changed(net: Net, layer: str, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    if isinstance(net, Wrapped):
        with net.changed(layer, change):
            yield
    elif isinstance(net, Network):
        stage: Any = getattr(net, layer)
        handle = stage.register_forward_hook(lambda _module, _inputs, output: change(output))
        try:
            yield
        finally:
            handle.remove()
    else:
        raise BadInputError(
            "the layers of a network that torch does not run cannot be edited: pass that of gan.differentiable()"
        )
