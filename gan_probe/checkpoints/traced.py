"""A traced torch module read as stages: nothing that its calls do may be lost, and the result is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from gan_probe.checkpoints.assembly import Assembly
from gan_probe.checkpoints.weights import COUNTER
from gan_probe.errors import BadInputError
from gan_probe.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from gan_probe.tracing import Call

TOLERANCE = 1e-5  # times the largest value where that is above 1
IDLE = ("contiguous", "clone", "float", "to", "identity", "detach", "dropout", "dropout2d", "feature_dropout")
BENDS = ("relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid")
SHAPING = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "__getitem__")


def as_network(module: nn.Module, calls: Sequence[Call], x: Tensor) -> Network | None:
    """The same function of x as a network of stages, frozen; None where its calls say more than stages can.

    x is latents (N, Z) or (N, Z, 1, 1), or images (N, C, H, W). The two are compared on x; then a sigmoid that ends a
    discriminator is left out.
    """
    try:
        chain = assembled(calls, x)
    except BadInputError:
        return None
    size = x.shape[2] if x.dim() == 4 else 1
    network = _network(chain, size)
    with torch.no_grad():
        theirs, ours = module(x), network(x)
    close = ours.numel() == theirs.numel() and float(
        (ours.flatten() - theirs.flatten()).abs().max()
    ) <= TOLERANCE * max(1.0, float(theirs.abs().max()))
    if close and size > 1 and chain.without_last_sigmoid():
        network = _network(chain, size)
    return network if close else None


def _network(chain: Assembly, size: int) -> Network:
    with torch.device("meta"):
        network = Network(chain.stages, size)
    state = chain.weights(size)
    for name in network.state_dict():
        if name.endswith(COUNTER):
            state[name] = torch.tensor(0)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def assembled(calls: Sequence[Call], x: Tensor) -> Assembly:
    """The stages of a chain of calls on x; BadInputError names the call that none can say."""
    chain = Assembly(x.shape[1], x.shape[2] if x.dim() == 4 else 1)
    for call in calls:
        if not call.chained:
            raise BadInputError(f"{call.module or 'its forward'} uses a value twice")
        _append(chain, call)
    if not chain.stages:
        raise BadInputError("it has no layers")
    return chain


def _append(chain: Assembly, call: Call) -> None:
    name, given = call.function.rstrip("_"), call.arguments
    if name in IDLE:
        if given.get("training"):
            raise BadInputError(f"{call.module} drops values at random in evaluation mode too")
    elif name in ("linear", "conv2d", "conv_transpose2d"):
        _layer(chain, name, given, call)
    elif name == "batch_norm":
        _norm(chain, given, call)
    elif name in BENDS:
        if given.get("alpha", 1.0) != 1.0:
            raise BadInputError(f"{call.module} has an alpha that stages do not know")
        chain.activation(name, float(given.get("negative_slope", 0.01)))
    elif call.function in SHAPING:
        _shape(chain, call)
    elif name == "interpolate":
        times = call.after[-1] // call.before[-1]
        exact = list(call.after[2:]) == [side * times for side in call.before[2:]]
        if not exact or given.get("mode") not in ("nearest", "bilinear") or given.get("align_corners"):
            raise BadInputError(f"{call.module} enlarges as stages cannot")
        chain.upsample(times, given["mode"])
    elif name == "pad":
        _pad(chain, given, call)
    else:
        raise BadInputError(f"{call.module or 'its forward'} calls {call.function}")


def _layer(chain: Assembly, name: str, given: dict[str, Any], call: Call) -> None:
    weight, bias = given["weight"], given.get("bias")
    if name == "linear":
        if len(call.before) != 2:
            raise BadInputError(f"{call.module} is dense over maps")
        chain.layer("linear", weight, bias)
        return
    numbers = {key: _both(given.get(key, default), call) for key, default in GEOMETRY.items()}
    if weight.shape[2] != weight.shape[3] or numbers["dilation"] != 1 or given.get("groups", 1) != 1:
        raise BadInputError(f"{call.module} is not square, or grouped or dilated")
    ends = (numbers["padding"], numbers["padding"])
    op: Any = "conv" if name == "conv2d" else "conv_transpose"
    chain.layer(op, weight, bias, numbers["stride"], ends, numbers["output_padding"])


GEOMETRY = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}


def _both(value: Any, call: Call) -> int:
    numbers = {value} if isinstance(value, int | str) else set(value)
    number = numbers.pop()
    if numbers or not isinstance(number, int):
        raise BadInputError(f"{call.module} treats height and width differently, or pads by name")
    return number


def _norm(chain: Assembly, given: dict[str, Any], call: Call) -> None:
    mean, variance = given.get("running_mean"), given.get("running_var")
    if given.get("training") or mean is None or variance is None:
        raise BadInputError(f"{call.module} normalises without stored statistics")
    weight, bias = given.get("weight"), given.get("bias")
    weight = torch.ones_like(mean) if weight is None else weight
    bias = torch.zeros_like(mean) if bias is None else bias
    tensors = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    chain.norm(tensors, float(given.get("eps", 1e-5)))


def _shape(chain: Assembly, call: Call) -> None:
    if call.after.numel() != call.before.numel():
        raise BadInputError(f"{call.module or 'its forward'} takes a part of its values")
    after = call.after[1:]
    if len(after) == 3 and after[1] == after[2]:
        chain.reshape(after[0], after[1])
    elif len(after) <= 1:
        chain.flatten()
    else:
        raise BadInputError(f"{call.module or 'its forward'} makes values of shape {tuple(after)}")


def _pad(chain: Assembly, given: dict[str, Any], call: Call) -> None:
    ends = list(given["pad"])
    if given.get("mode", "constant") != "constant" or given.get("value") or len(ends) != 4 or ends[:2] != ends[2:]:
        raise BadInputError(f"{call.module} pads as stages cannot")
    chain.pad(*ends[:2])
