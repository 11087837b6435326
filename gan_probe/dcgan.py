"""The architecture of the paper (Radford et al. 2015): the generator's and the discriminator's stages."""

from __future__ import annotations

import math
from typing import Any

from gan_probe.errors import BadInputError
from gan_probe.stage import Stage

SIZES = (16, 32, 64, 128)


def generator_stages(
    image_size: int = 64,
    channels: int = 3,
    z_size: int = 100,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
) -> tuple[Stage, ...]:
    """The generator: project and reshape to 4x4, then fractionally-strided convolutions up to the image (Figure 1).

    `width` counts the maps of the last hidden layer and doubles towards the latent vector; `depth` 2 sets a stride-1
    layer behind every stride-2 one, as the release's 3x3 six-layer model for 32 pixels does.
    """
    _check(image_size, kernel, depth)
    doublings = int(math.log2(image_size // 4))
    maps = width * 2 ** (doublings - 1)
    stages = [Stage("linear", z_size, maps * 16, labels=classes, norm="channel", shape=(maps, 4, 4), activation="relu")]
    geometry = _geometry(kernel)
    for step in range(doublings):
        last = step == doublings - 1
        outputs = maps if last else maps // 2
        for repeat in range(depth):
            final = last and repeat == depth - 1
            stages.append(
                Stage(
                    "conv_transpose",
                    stages[-1].channels,
                    channels if final else outputs,
                    stride=2 if repeat == 0 else 1,
                    output_padding=(kernel % 2 if repeat == 0 else 0),
                    norm="none" if final else "channel",
                    activation="tanh" if final else "relu",
                    **geometry,
                )
            )
        maps = outputs
    return tuple(stages)


def discriminator_stages(
    image_size: int = 64,
    channels: int = 3,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
) -> tuple[Stage, ...]:
    """The discriminator: strided convolutions down to 4x4, flattened into one logit; no batch norm at its input.

    `width` counts the maps of the first layer and doubles with each halving of the image; `depth` 2 sets a stride-1
    layer in front of every stride-2 one: with 3x3 kernels and 32 pixels, the release's six-layer network.
    """
    _check(image_size, kernel, depth)
    stages: list[Stage] = []
    for step in range(int(math.log2(image_size // 4))):
        for repeat in range(depth):
            stages.append(
                Stage(
                    "conv",
                    stages[-1].channels if stages else channels,
                    width * 2**step,
                    stride=2 if repeat == depth - 1 else 1,
                    labels=classes if not stages else 0,
                    norm="channel" if stages else "none",
                    activation="leaky_relu",
                    **_geometry(kernel),
                )
            )
    stages.append(Stage("linear", stages[-1].outputs * 16, 1))
    return tuple(stages)


def _geometry(kernel: int) -> dict[str, Any]:
    # an odd kernel is centred ("same" at stride 1); the even 4x4 of most PyTorch ports pads by 1
    return {"kernel": kernel, "padding": (kernel - 1) // 2}


def _check(image_size: int, kernel: int, depth: int) -> None:
    if image_size not in SIZES:
        raise BadInputError(f"image size {image_size} is not one of {', '.join(map(str, SIZES))}")
    if kernel not in (3, 4, 5):
        raise BadInputError(f"kernel size {kernel} is not 3, 4 or 5")
    if depth not in (1, 2) or (depth == 2 and kernel == 4):
        raise BadInputError("depth is 1, or 2 with odd kernels: a 4x4 kernel cannot keep the size at stride 1")
