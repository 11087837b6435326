"""Guided backpropagation: which pixels excite a unit of a network, along positive paths alone.

The rule, at every ReLU and its kin (leaky, parametric, exponential, Gaussian, ...): the backward signal passes only
where the pre-activation is positive *and* the signal itself is positive; there it takes the activation's own
derivative, 1 for ReLU, LeakyReLU, PReLU and ELU. A LeakyReLU's slope below zero therefore lets nothing through. Tanh,
sigmoid, normalisation and pooling keep their ordinary derivative. Source: Springenberg et al. 2015 (arXiv 1412.6806),
where the rule is stated for ReLU; the DCGAN paper uses it for a LeakyReLU net (section 6.2, Figure 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from gan_probe.network import Network
    from gan_probe.wrapped import Wrapped

# fmt: off
RECTIFIERS = frozenset([  # above zero each of them rises
    "relu", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardswish", "rrelu",
    "relu6",
])
# fmt: on


class Guided(TorchFunctionMode):
    """Within the block, what a network computes carries the rule in its gradient; the network itself is not touched.

    The rule hangs on the tensors computed, not on modules: it holds for functional calls, in place or not, as well, and
    nothing is left behind the block, also after an error.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run what was called, and guide the gradient of a rectifier."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").rstrip("_") not in RECTIFIERS:
            return func(*args, **kwargs)
        positive = (args[0] if args else kwargs["input"]) > 0  # before the call, which may work in place
        output = func(*args, **kwargs)
        if output.requires_grad:
            output.register_hook(lambda gradient: gradient.clamp(min=0) * positive)
        return output


def guided_gradients(
    net: Network | Wrapped,
    x: Tensor,
    layer: str,
    filters: Sequence[int] | np.ndarray,
    places: np.ndarray | None = None,
) -> Tensor:
    """The guided gradient (N, C, H, W) of one unit an image with respect to the images x (N, C, H, W).

    Image n's unit is `filters[n]` of the layer, behind its activation, at row and column `places[n]` of (N, 2); a dense
    layer has no places. A unit that is not positive has no positive path: its gradient is 0. Images do not influence
    each other. Raises BadInputError for a network that normalises by its batch.
    """
    if net.statistics is None:
        raise BadInputError("this network normalises by its batch: recompute its batch-norm statistics first")
    x = x.detach().clone().requires_grad_()
    images = torch.arange(len(x))
    with torch.enable_grad(), Guided():
        output = net.reach(x, layer)
        unit: tuple[Any, ...] = (images, torch.as_tensor(filters))
        if output.dim() == 4:
            if places is None:
                raise BadInputError(f"layer {layer} has maps: name a row and a column for each image")
            unit += tuple(torch.as_tensor(places).long().T)
        (gradient,) = torch.autograd.grad(output[unit].sum(), x)
    return gradient
