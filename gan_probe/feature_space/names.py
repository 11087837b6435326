"""From the name of a feature space to the space itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line
from gan_probe.feature_space.space import FeatureSpace

if TYPE_CHECKING:
    import numpy as np

    from gan_probe.gan import GAN

SPACES = "pixels, d:CHECKPOINT, d:CHECKPOINT:LAYER, a file .onnx that maps images to vectors, or default"
DEFAULTS = {3: "imagenet32-features", 1: "mnist-dcgan"}  # by channels: whose discriminator `default` is


def open_space(
    spec: str, image_size: int, channels: int, *, judged: GAN | None = None, own: bool = False, device: str = "cpu"
) -> FeatureSpace:
    """Open a feature space by its name, for images of `image_size` and 1 or 3 `channels`.

    `SPACES` lists the names. A space made of the discriminator of the GAN that is `judged` is refused, unless `own`
    says that it is meant. Raises BadInputError, in one line, for unknown names, layers and files.
    """
    if spec == "pixels":
        return FeatureSpace("pixels", "", image_size, channels, image_size, channels, _pixels)
    if spec == "default":
        spec = f"d:{_default(channels)}"
    if spec.startswith("d:") and len(spec) > 2:
        from gan_probe.feature_space.discriminator import open_discriminator

        return open_discriminator(spec[2:], image_size, channels, None if own else judged, device)
    if spec.lower().endswith(".onnx"):
        from gan_probe.feature_space.graph import open_graph

        return open_graph(Path(spec), image_size, channels)
    raise BadInputError(f"feature space {one_line(spec, 40)!r} is not known: {SPACES}")


def space_for(gan: GAN, spec: str, device: str = "cpu") -> FeatureSpace:
    """The space in which to look at a GAN's samples: as `open_or_pixels`, and never its own discriminator's."""
    return open_or_pixels(spec, gan.card.image_size, gan.card.channels, judged=gan, device=device)


def open_or_pixels(
    spec: str, image_size: int, channels: int, *, judged: GAN | None = None, device: str = "cpu"
) -> FeatureSpace:
    """As `open_space`, but pixels where the default cannot be had; the space's notes then say so.

    A bare installation lacks the model that the default is made of, and it must not be the GAN that is `judged`.
    """
    try:
        return open_space(spec, image_size, channels, judged=judged, device=device)
    except BadInputError as error:
        if spec != "default":
            raise
        pixels = open_space("pixels", image_size, channels)
        return replace(pixels, assumed=(f"Pixels stand in for the default feature space: {error}.",))


def _default(channels: int) -> str:
    from gan_probe.checkpoints import resolve

    name = DEFAULTS[channels]
    if not resolve(name).exists():
        raise BadInputError(
            f"the default feature space is the discriminator of {name}, a model of the repository that is not here: "
            "name pixels, d:CHECKPOINT[:LAYER] or a file .onnx"
        )
    return name


def _pixels(images: np.ndarray) -> np.ndarray:
    import numpy as np

    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
