"""What a sum must be beside what it shows: as near to the data as others of it are, and no overlay of several images.

Nearness alone lets double exposures pass, which is what sums of pixels are where images do not lie over each other
(the paper: "noisy overlap due to misalignment"). So a classifier learns that difference from the data: single images
against sums of their pixels, made just as the control's are. It has seen no generated image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError
from gan_probe.arithmetic import Plausible, pixel_sum
from gan_probe.feature_space import space_for
from gan_probe.judge import train_judge

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe.feature_space import FeatureSpace
    from gan_probe.judge import Judge
    from gan_probe_plugins.concepts import Gallery
    from gan_probe_plugins.vector_arithmetic import VectorArithmeticOptions

REFERENCE, HELD_OUT = 2000, 1000  # images
BLOCK = 128  # sums at once: of a hundred exemplars each, more would not fit into memory
STEPS = 1000  # of the classifier's training, at most
NEAR, SINGLE = "near to the data", "one image"
OVERLAY = "single image"  # the judge's name


@dataclass(frozen=True, eq=False)
class Looks:
    """Called with images (N, H, W, C) uint8: whether each meets each criterion, (N,) bool by its name."""

    near: Plausible
    space: FeatureSpace
    overlay: Judge
    note: str

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """By criterion."""
        return {NEAR: self.near(self.space(images)), SINGLE: self.overlay(images).argmax(1) == 0}


def looks_of(gan: GAN, gallery: Gallery, options: VectorArithmeticOptions, ctx: Context) -> Looks:
    """Both criteria, from the run's data, or from samples where there are none."""
    if ctx.data is not None:
        split = ctx.data.train
        n = min(REFERENCE + HELD_OUT, len(split))
        images = ctx.images(split.take(n, ctx.rng("vector-arithmetic/reference")), gan.card).images
        what = f"images of {ctx.data.name}"
    else:
        images = gallery.samples.pixels[: REFERENCE + HELD_OUT]
        what = "samples of the generator itself (there are no --data)"
    parted = len(images) * REFERENCE // (REFERENCE + HELD_OUT)
    if not parted:
        raise BadInputError(f"plausibility needs two images at least, and {what} are {len(images)}: pass more --data")
    reference, held_out = images[:parted], images[parted:]
    space = space_for(gan, options.feature_space, str(ctx.device))
    rng = ctx.rng("vector-arithmetic/overlays")
    overlay = train_judge(
        _with_overlays(reference, options.exemplars, rng),
        _with_overlays(held_out, options.exemplars, rng),
        (SINGLE, "overlay"),
        rng,
        name=OVERLAY,
        device=str(ctx.device),
        steps=STEPS,
        progress=ctx.progress,
    )
    note = (
        f"Plausible is what lies as near to {parted:,} {what} as 95 % of {len(held_out):,} others of them do, by "
        f"Euclidean distance to the nearest in {space.name}, and is no overlay to a classifier that learned single "
        f"ones from sums of their pixels (right on {overlay.accuracy.value:.1%} of {overlay.n_held_out:,} held-out "
        "ones). What is blurred towards their mean may pass."
    )
    return Looks(
        Plausible.calibrated(space(reference), space(held_out)), space, overlay, " ".join([note, *space.notes])
    )


def _with_overlays(images: np.ndarray, exemplars: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, C) and as many sums of such, with labels (2 N,): 0 for one image, 1 for an overlay."""
    n = len(images)
    chosen = rng.integers(n, size=(3, n, exemplars))
    sums = [pixel_sum([images[part] for part in chosen[:, i : i + BLOCK]]) for i in range(0, n, BLOCK)]
    return np.concatenate([images, *sums]), np.repeat([0, 1], n)
