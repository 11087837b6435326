"""What a module of unknown code takes and gives, found by trying: latents, images, their sizes and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gan_probe.checkpoints.latents import tell_latents
from gan_probe.checkpoints.traced import as_network
from gan_probe.checkpoints.weights import placed
from gan_probe.errors import BadInputError, one_line
from gan_probe.gan import GAN, Card
from gan_probe.network import Network
from gan_probe.tracing import trace
from gan_probe.wrapped import Wrapped, takes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role

PINS = {"z_distribution": "normal or uniform", "z_size": "a number", "image_size": "a number", "output": "tanh, ..."}
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "none": (-1.0, 1.0)}
SIZES = (64, 32, 28, 128, 96, 48, 256, 16)  # the likelier first
MOST_CHANNELS = 4
PROBES = 4
SIGMOID = "the discriminator's last sigmoid was left out: its score is the logit"


def gan_of(request: LoadRequest, modules: Mapping[Role, nn.Module], notes: Sequence[str], sha256: str) -> GAN:
    """The GAN of modules that hold their weights; BadInputError where one takes neither latents nor images."""
    pinned = _pins(request)
    assumed = list(notes)
    generator: Network | Wrapped | None = None
    discriminator: Network | Wrapped | None = None
    channels, size, z_size = 0, pinned.get("image_size", 0), 100
    output = pinned.get("output", "")
    if module := modules.get("generator"):
        z, images = _latents_for(module, pinned)
        z_size, channels, size = z.shape[1], images.shape[1], images.shape[2]
        generator, last = _opened(module, z)
        output = output or (last if last in RANGES else "")
        if not output:
            assumed.append("image values are in [-1, 1]: no tanh or sigmoid ends the generator")
        assumed.append(f"z has {z_size} numbers and images are {size}x{size}: it was tried")
    else:
        assumed.append("image values are in [-1, 1]: a discriminator alone does not say")
    if module := modules.get("discriminator"):
        x = _images_for(module, channels, size)
        if not channels:
            assumed.append(f"images are {x.shape[2]}x{x.shape[2]}, the likeliest size that it takes")
        channels, size = x.shape[1], x.shape[2]
        discriminator, last = _opened(module, x)
        if last == "sigmoid":
            assumed.append(SIGMOID)
    nets: dict[str, Any] = {"generator": generator, "discriminator": discriminator}
    stages = {role: net.stages if isinstance(net, Network) else None for role, net in nets.items()}
    assumed += [
        f"the {role} is run as it is: it is no plain chain of layers"
        for role in nets
        if isinstance(nets[role], Wrapped)
    ]
    path = request.path.resolve()
    card = Card(
        name=path.name if path.is_dir() else path.stem,
        format="state dict, under its own code",
        image_size=size,
        channels=channels,
        z_size=z_size,
        z_distribution=pinned.get("z_distribution", "normal"),
        value_range=RANGES[output or "none"],
        generator=stages["generator"],
        discriminator=stages["discriminator"],
        sha256=sha256,
        assumed=tuple(assumed),
    )
    gan = GAN(card, generator, discriminator)
    if "z_distribution" not in pinned:
        tell_latents(gan)
    return placed(gan, request.device)


def _pins(request: LoadRequest) -> dict[str, Any]:
    pinned: dict[str, Any] = dict(request.pinned)
    for key, value in request.pinned.items():
        if key not in PINS:
            raise BadInputError(one_line(f"--pin {key}: with code, choose {', '.join(PINS)}"))
        if key in ("z_size", "image_size"):
            if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 4096:
                raise BadInputError(one_line(f"--pin {key}={value}: it must be a number up to 4096"))
            pinned[key] = int(value)
        if key == "output" and value not in RANGES:
            raise BadInputError(one_line(f"--pin output={value}: choose {', '.join(RANGES)}"))
    return pinned


def _opened(module: nn.Module, x: Tensor) -> tuple[Network | Wrapped, str]:
    """The module as a network of stages where it is one, else wrapped; and what bends its output."""
    calls, _ = trace(module, x)
    wrapped = Wrapped(module, x)
    network = as_network(module, calls, x)
    return network or wrapped.eval(), wrapped.last_bend


def _latents_for(module: nn.Module, pinned: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Latents (N, Z) or (N, Z, 1, 1) that the module turns into square images, and the images."""
    sizes = [pinned["z_size"]] if "z_size" in pinned else [*_inputs(module)]
    why = ""  # what the likeliest latents failed on says most
    for size in sizes:
        for shape in ((PROBES, size), (PROBES, size, 1, 1)):
            z = torch.randn(shape, generator=torch.Generator().manual_seed(0))
            images = takes(module, z)
            if isinstance(images, str):
                why = why or images
                continue
            side = images.shape[-1]
            wanted = pinned.get("image_size", side)
            if (
                images.dim() == 4
                and images.shape[2] == side == wanted
                and side > 1
                and images.shape[1] <= MOST_CHANNELS
            ):
                return z, images
            why = why or f"it gives {tuple(images.shape)} for {tuple(shape)}, no images"
    why = why or "it has no dense layer or convolution"
    raise BadInputError(one_line(f"the generator makes no images of latents alone ({why}); pin z_size, or use ONNX"))


def _inputs(module: nn.Module) -> Iterator[int]:
    """The sizes that its layers take, each once, in their order: the first should be the latents'."""
    seen = set()
    for part in module.modules():
        size = getattr(part, "in_features", getattr(part, "in_channels", None))
        if isinstance(size, int) and size not in seen:
            seen.add(size)
            yield size


def _images_for(module: nn.Module, channels: int, size: int) -> Tensor:
    """Images (N, C, H, W) that the module turns into one number each."""
    first = next(_inputs(module), 3)
    kinds = [channels] if channels else [c for c in (first, 3, 1) if c <= MOST_CHANNELS]
    why = ""
    for side in [size] if size else SIZES:
        for count in kinds:
            images = torch.rand((PROBES, count, side, side), generator=torch.Generator().manual_seed(0)) * 2 - 1
            scores = takes(module, images)
            if not isinstance(scores, str) and scores.numel() == PROBES:
                return images
            why = why or (scores if isinstance(scores, str) else f"it gives {tuple(scores.shape)} for {PROBES} images")
    raise BadInputError(one_line(f"the discriminator gives no score for images ({why}); pin image_size, or use ONNX"))
