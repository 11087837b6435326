"""From a card and named tensors to networks, and back: every size and value is checked before a network holds it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from gan_probe.devices import check_device
from gan_probe.errors import BadInputError, UsageError, one_line
from gan_probe.gan import GAN, Card
from gan_probe.network import Network
from gan_probe.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from torch import Tensor

    from gan_probe.stage import Stage

    Role = Literal["generator", "discriminator"]

ROLES: tuple[Role, Role] = ("generator", "discriminator")
CASTS = (torch.float16, torch.bfloat16, torch.float64)
LARGEST_SIDE = 4096  # pixels; a card may not ask for more, whatever its weights
COUNTER = "num_batches_tracked"  # torch keeps it beside the running statistics; nothing here reads it


def torch_networks(gan: GAN) -> dict[Role, Network | Wrapped]:
    """The torch networks of a GAN by role; UsageError for what onnxruntime runs."""
    found: dict[Role, Network | Wrapped] = {}
    for role in ROLES:
        net = getattr(gan, role)
        if isinstance(net, Network | Wrapped):
            found[role] = net
        elif net is not None:
            raise UsageError(f"{gan.card.name}: its {role} is not a torch network; only torch networks can be saved")
    return found


def networks(gan: GAN) -> dict[Role, Network]:
    """The networks of a GAN that are lists of stages, by role; UsageError for others."""
    found: dict[Role, Network] = {}
    for role, net in torch_networks(gan).items():
        if not isinstance(net, Network):
            raise UsageError(f"{gan.card.name}: its {role} is no plain chain of layers; only --format onnx can hold it")
        found[role] = net
    return found


def described(gan: GAN) -> Card:
    """The card with the stages of the networks as they are now, stored statistics or not."""
    stages: dict[str, tuple[Stage, ...] | None] = dict.fromkeys(ROLES)
    for role, net in torch_networks(gan).items():
        stored = net.statistics is not None
        if isinstance(net, Network):
            stages[role] = tuple(
                dataclasses.replace(stage, statistics=stored or stage.norm == "none") for stage in net.stages
            )
    return dataclasses.replace(gan.card, **stages)  # type: ignore[arg-type]  # mypy sees one union for all fields


def tensors(gan: GAN) -> dict[str, dict[str, Tensor]]:
    """The weights and statistics of each network, by role and name, on the CPU."""
    return {
        role: {
            name: value.detach().cpu().contiguous()
            for name, value in net.state_dict().items()
            if not name.endswith(COUNTER)
        }
        for role, net in networks(gan).items()
    }


def build(card: Card, weights: Mapping[Role, Mapping[str, Tensor]], device: str = "cpu") -> GAN:
    """Networks as the card describes them, holding `weights` as float32, frozen and in evaluation mode.

    Casts to float32 are added to the card's `assumed`. Raises BadInputError where the card contradicts itself or the
    weights, or where the weights are not finite floating-point numbers.
    """
    nets: dict[Role, Network] = {}
    assumed = list(card.assumed)
    for role in ROLES:
        stages: tuple[Stage, ...] | None = getattr(card, role)
        if stages is None:
            if weights.get(role):
                raise BadInputError(f"it holds {role} weights that its card does not describe")
            continue
        check_stages(card, role, stages)
        nets[role], casts = _filled(role, stages, card, weights.get(role, {}))
        if casts:
            assumed.append(f"the {role}'s {', '.join(sorted(casts))} weights were converted to float32")
    if not nets:
        raise BadInputError("its card describes neither a generator nor a discriminator")
    gan = GAN(dataclasses.replace(card, assumed=tuple(assumed)), nets.get("generator"), nets.get("discriminator"))
    return placed(gan, device)


def placed(gan: GAN, device: str) -> GAN:
    """The GAN with its networks moved to a device; BadInputError where there is no such device."""
    check_device(device)
    try:
        return gan.to(device)
    except RuntimeError as error:  # its memory may be full
        raise BadInputError(one_line(f"device {device!r} cannot be used here: {error}")) from error


def check_stages(card: Card, role: Role, stages: tuple[Stage, ...]) -> None:
    """Raise BadInputError unless the stages fit together and lead from the card's input to its output."""
    generates = role == "generator"
    channels, size = (card.z_size, 1) if generates else (card.channels, card.image_size)
    for number, stage in enumerate(stages, 1):
        inputs = channels * size * size if stage.op == "linear" else channels
        reshape = stage.shape is not None and (stage.op != "linear" or stage.shape[1] != stage.shape[2])
        impossible = (
            stage.inputs != inputs
            or stage.unpooled(size) < 1
            or reshape
            or (stage.norm == "unit" and stage.op != "linear")
            or stage.labels not in (0, len(card.classes))
            or (stage.op == "conv_transpose" and stage.output_padding >= stage.stride)
        )
        channels, size = stage.channels, stage.size(size)
        if impossible or not 1 <= size <= LARGEST_SIDE:
            raise BadInputError(f"layer {number} of the card's {role} does not fit the layers around it")
    wanted = (card.channels, card.image_size) if generates else (1, 1)
    if (channels, size) != wanted:
        made = f"{channels} channels of {size}x{size}"
        raise BadInputError(f"the card's {role} ends in {made}, not in {'its images' if generates else 'one score'}")


def _filled(
    role: Role, stages: tuple[Stage, ...], card: Card, weights: Mapping[str, Tensor]
) -> tuple[Network, set[str]]:
    size = 1 if role == "generator" else card.image_size
    try:
        with torch.device("meta"):  # shapes without memory: a card may lie about them
            net = Network(stages, size)
    except (RuntimeError, TypeError, OverflowError) as error:
        raise BadInputError(f"the card's {role} cannot be built: {error}") from error
    state: dict[str, Tensor] = {}
    casts: set[str] = set()
    given = {name: value for name, value in weights.items() if not name.endswith(COUNTER)}
    for name, wanted in net.state_dict().items():
        if name.endswith(COUNTER):
            state[name] = torch.tensor(0)
        elif name not in given:
            raise BadInputError(f"the {role}'s {name} is missing")
        else:
            state[name], cast = _checked(role, name, given.pop(name), wanted)
            casts |= {cast} if cast else set()
    if given:
        raise BadInputError(f"the {role} holds {sorted(given)[0]!r}, which its card does not describe")
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False), casts


def _checked(role: Role, name: str, value: Tensor, wanted: Tensor) -> tuple[Tensor, str]:
    if value.shape != wanted.shape:
        raise BadInputError(f"the {role}'s {name} is {tuple(value.shape)}; its card says {tuple(wanted.shape)}")
    cast = ""
    if value.dtype in CASTS:
        cast = str(value.dtype).removeprefix("torch.")
        value = value.float()
    elif value.dtype != torch.float32:
        raise BadInputError(f"the {role}'s {name} is {value.dtype}; weights must be floating-point numbers")
    check_values(f"the {role}'s {name}", value, variance=name.endswith("running_var"))
    return value.contiguous(), cast


def check_values(what: str, value: Tensor, variance: bool = False) -> None:
    """Raise BadInputError for NaN or infinite weights, and for negative variances."""
    if not torch.isfinite(value).all():
        raise BadInputError(f"{what} holds NaN or infinite values: its training diverged; take an earlier checkpoint")
    if variance and (value < 0).any():
        raise BadInputError(f"{what} holds negative variances: the file is damaged; get it again")
