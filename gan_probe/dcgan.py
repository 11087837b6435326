"""The architecture of the paper (Radford et al. 2015): the generator's and the discriminator's stages."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from gan_probe.errors import BadInputError
from gan_probe.stage import Stage

# A first map of 4x4 to 7x7, doubled until it is the image: 28 pixels are 7, 14, 28.
SIZES = tuple(sorted(base << k for base in (4, 5, 6, 7) for k in range(1, 6) if 16 <= base << k <= 128))


@dataclass(frozen=True)
class Guidelines:
    """The paper's architecture guidelines (section 3), each of which can be dropped alone; the defaults follow it.

    - `resampling`: `strides`, or `pooling`: stride-1 convolutions with max pooling behind them in D, and with
      nearest-neighbour enlargement in front of them in G.
    - `batch_norm`: `paper`, all but G's output and D's input; `everywhere`, those two as well; `none`, where each
      normalised layer gets a bias instead, so that only the normalisation is lost.
    - `dense`: units of one more hidden dense layer, G's first and D's last but one; 0 for none.
    - `d_activation`: `leaky_relu` of slope 0.2, or `relu`, in D.
    - `output`: G ends in `tanh`, or in `sigmoid`, for images in [0, 1].

    Then what the release does otherwise: the norms' `eps`; whether they have a learned gain and shift (`affine`);
    whether G's projection is normalised unit by unit, not map by map (`by_unit`); and whether labels join the input
    of every layer or of the first alone (`labels_everywhere`).
    """

    resampling: Literal["strides", "pooling"] = "strides"
    batch_norm: Literal["paper", "none", "everywhere"] = "paper"
    dense: int = 0
    d_activation: Literal["leaky_relu", "relu"] = "leaky_relu"
    output: Literal["tanh", "sigmoid"] = "tanh"
    eps: float = 1e-5
    affine: bool = True
    by_unit: bool = False
    labels_everywhere: bool = False

    def norm(self, *, outermost: bool = False, projection: bool = False) -> dict[str, Any]:
        """Fields of a stage that say how its output is normalised; `outermost` are G's output and D's input."""
        if outermost and self.batch_norm != "everywhere":
            return {}
        if self.batch_norm == "none":
            return {"bias": True}
        return {"norm": "unit" if projection and self.by_unit else "channel", "eps": self.eps, "affine": self.affine}

    def labelled(self, stages: list[Stage], classes: int) -> tuple[Stage, ...]:
        """The stages with one-hot labels of so many classes among their inputs, at the first or at all."""
        return tuple(
            dataclasses.replace(stage, labels=classes if self.labels_everywhere or i == 0 else 0)
            for i, stage in enumerate(stages)
        )


PAPER = Guidelines()


def generator_stages(
    image_size: int = 64,
    channels: int = 3,
    z_size: int = 100,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
    guidelines: Guidelines = PAPER,
) -> tuple[Stage, ...]:
    """The generator: project and reshape to 4x4 (to 7x7), then fractionally-strided convolutions up to the image.

    `width` counts the maps of the last hidden layer and doubles towards the latent vector; `depth` 2 sets a stride-1
    layer behind every stride-2 one, as the release's 3x3 six-layer model for 32 pixels does. Source: Figure 1.
    """
    base, doublings = _check(image_size, kernel, depth)
    maps = width * 2 ** (doublings - 1)
    stages: list[Stage] = []
    if guidelines.dense:
        stages.append(Stage("linear", z_size, guidelines.dense, activation="relu", **guidelines.norm()))
    projection = {"shape": (maps, base, base), "activation": "relu", **guidelines.norm(projection=True)}
    stages.append(Stage("linear", guidelines.dense or z_size, maps * base**2, **projection))
    for step in range(doublings):
        last = step == doublings - 1
        outputs = maps if last else maps // 2
        for repeat in range(depth):
            final = last and repeat == depth - 1
            stages.append(
                Stage(
                    inputs=stages[-1].channels,
                    outputs=channels if final else outputs,
                    activation=guidelines.output if final else "relu",
                    **_enlarging(kernel, repeat == 0, guidelines),
                    **guidelines.norm(outermost=final),
                )
            )
        maps = outputs
    return guidelines.labelled(stages, classes)


def discriminator_stages(
    image_size: int = 64,
    channels: int = 3,
    width: int = 128,
    kernel: int = 5,
    classes: int = 0,
    depth: int = 1,
    guidelines: Guidelines = PAPER,
) -> tuple[Stage, ...]:
    """The discriminator: strided convolutions down to 4x4 (to 7x7), flattened into one logit.

    `width` counts the maps of the first layer and doubles with each halving of the image; `depth` 2 sets a stride-1
    layer in front of every stride-2 one: with 3x3 kernels and 32 pixels, the release's six-layer network.
    """
    base, halvings = _check(image_size, kernel, depth)
    stages: list[Stage] = []
    for step in range(halvings):
        for repeat in range(depth):
            stages.append(
                Stage(
                    inputs=stages[-1].channels if stages else channels,
                    outputs=width * 2**step,
                    activation=guidelines.d_activation,
                    **_reducing(kernel, repeat == depth - 1, guidelines),
                    **guidelines.norm(outermost=not stages),
                )
            )
    features = stages[-1].outputs * base**2
    if guidelines.dense:
        hidden = {"activation": guidelines.d_activation, **guidelines.norm()}
        stages.append(Stage("linear", features, guidelines.dense, **hidden))
    stages.append(Stage("linear", guidelines.dense or features, 1))
    return guidelines.labelled(stages, classes)


def _enlarging(kernel: int, twice: bool, guidelines: Guidelines) -> dict[str, Any]:
    """Operation and geometry of a layer of G, which doubles the size or keeps it."""
    if guidelines.resampling == "pooling":
        return {"op": "conv", "upsample": 2 if twice else 1, **_same(kernel)}
    growth = {"stride": 2, "output_padding": kernel % 2} if twice else {}
    return {"op": "conv_transpose", **growth, **_geometry(kernel)}


def _reducing(kernel: int, halve: bool, guidelines: Guidelines) -> dict[str, Any]:
    """Operation and geometry of a layer of D, which halves the size or keeps it."""
    if guidelines.resampling == "pooling":
        return {"op": "conv", "pool": 2 if halve else 1, **_same(kernel)}
    return {"op": "conv", "stride": 2 if halve else 1, **_geometry(kernel)}


def _geometry(kernel: int) -> dict[str, int]:
    # an odd kernel is centred ("same" at stride 1); the even 4x4 of most PyTorch ports pads by 1
    return {"kernel": kernel, "padding": (kernel - 1) // 2}


def _same(kernel: int) -> dict[str, int]:
    """Geometry that keeps the size at stride 1, for even kernels too."""
    return _geometry(kernel) | ({} if kernel % 2 else {"end_padding": kernel // 2})


def _check(image_size: int, kernel: int, depth: int) -> tuple[int, int]:
    """Side of the smallest map, and the doublings from there to the image."""
    if image_size not in SIZES:
        raise BadInputError(f"image size {image_size} is not one of {', '.join(map(str, SIZES))}")
    if kernel not in (3, 4, 5):
        raise BadInputError(f"kernel size {kernel} is not 3, 4 or 5")
    if depth not in (1, 2) or (depth == 2 and kernel == 4):
        raise BadInputError("depth is 1, or 2 with odd kernels: a 4x4 kernel cannot keep the size at stride 1")
    doublings = int(math.log2(image_size // 4))
    return image_size >> doublings, doublings
