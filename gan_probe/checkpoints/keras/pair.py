"""From Keras models to a GAN: which is the generator, what comes out of it, and which latents its norms have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.assembly import Assembly
    from gan_probe.checkpoints.keras.config import KerasLayer
    from gan_probe.checkpoints.keras.layers import Weights
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN

RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
PINS = ("z_distribution",)


@dataclass(frozen=True)
class Part:
    """One network: its stages and weights, and the side and channels of what goes in."""

    role: Role
    chain: Assembly
    channels: int
    size: int
    notes: tuple[str, ...]


def parts(model: KerasLayer, weights: Weights, role: Role | None) -> list[Part]:
    """The networks of a model: itself, or where it is a generator with a discriminator behind it, the two."""
    inner = [layer for layer in model.layers if layer.layers]
    others = [layer for layer in model.layers if not layer.layers and layer.kind != "InputLayer"]
    models = inner if len(inner) == 2 and not others else [model]
    found = [_part(m, weights) for m in models]
    return [part for part in found if role in (None, part.role)]


def _part(model: KerasLayer, weights: Weights) -> Part:
    from gan_probe.checkpoints.assembly import Assembly
    from gan_probe.checkpoints.keras.layers import append

    layers = model.flat()
    shape = next((s for s in (layer.input_shape for layer in [model, *layers[:2]]) if s), None)
    if shape is None:
        raise BadInputError("its configuration names no input shape: build the model before it is saved")
    if len(shape) == 3 and shape[0] == shape[1]:
        channels, size = shape[2], shape[0]
    elif len(shape) == 1:
        channels, size = shape[0], 1
    else:
        raise BadInputError(f"it takes inputs of {shape}: neither latents nor square images")
    chain = Assembly(channels, size, channels_last=True)
    notes: list[str] = []
    for layer in layers:
        append(layer, chain, weights, notes)
    if not chain.stages:
        raise BadInputError("it holds no layers with weights")
    role: Role = "generator" if size == 1 and chain.size > 1 else "discriminator"
    if role == "discriminator" and chain.without_last_sigmoid():
        notes.append("the discriminator's last sigmoid was left out: its score is the logit")
    return Part(role, chain, channels, size, tuple(notes))


def gan_of(request: LoadRequest, found: Sequence[Part], sha256: str) -> GAN:
    """The GAN of one or two networks; BadInputError where they are no pair."""
    from gan_probe.checkpoints.latents import tell_latents
    from gan_probe.checkpoints.weights import build
    from gan_probe.gan import Card

    for key in request.pinned:
        if key not in PINS:
            raise BadInputError(one_line(f"--pin {key}: a Keras file leaves only {PINS[0]} open"))
    by_role = {part.role: part for part in found}
    if len(by_role) != len(found):
        raise BadInputError(f"it holds {len(found)} {found[0].role}s; name two files, --generator and --discriminator")
    generator, discriminator = by_role.get("generator"), by_role.get("discriminator")
    assumed = [note for part in found for note in part.notes]
    images = {(part.chain.channels, part.chain.size) for part in [generator] if part}
    images |= {(part.channels, part.size) for part in [discriminator] if part}
    if len(images) != 1:
        raise BadInputError(f"generator and discriminator disagree on the images (channels, side): {sorted(images)}")
    channels, size = images.pop()
    output = generator.chain.stages[-1].activation if generator else ""
    if output not in RANGES:
        assumed.append("image values are in [-1, 1]: no tanh or sigmoid ends the generator")
    path = request.path.resolve()
    card = Card(
        name=path.name if path.is_dir() else path.stem,
        format="Keras",
        image_size=size,
        channels=channels,
        z_size=generator.channels if generator else 100,
        z_distribution=request.pinned.get("z_distribution", "normal"),  # type: ignore[arg-type]  # one of the two
        value_range=RANGES.get(output, (-1.0, 1.0)),
        generator=tuple(generator.chain.stages) if generator else None,
        discriminator=tuple(discriminator.chain.stages) if discriminator else None,
        sha256=sha256,
        assumed=tuple(assumed),
    )
    gan = build(card, {role: part.chain.weights(part.size) for role, part in by_role.items()}, request.device)
    if "z_distribution" not in request.pinned:
        tell_latents(gan)
    return gan
