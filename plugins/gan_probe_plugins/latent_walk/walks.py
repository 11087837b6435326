"""The walk and its controls: what is drawn along each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe import BadInputError
from gan_probe.feature_space import space_for
from gan_probe.measures.paths import interpolate
from gan_probe_plugins.latent_walk.measured import Measuring, Path

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gan_probe import GAN, Context
    from gan_probe_plugins.latent_walk import LatentWalkOptions

MEMORISED = 50  # samples that the control has learnt by heart


@dataclass(frozen=True)
class Walk:
    """The walk through `ends` (L + 1, Z) and its controls: `paths`, the walk itself first.

    `real` names the data whose images were cross-faded; it is empty where samples were. `pairs` are those of the
    perceptual path length.
    """

    gan: GAN
    ends: Tensor
    spherical: bool
    paths: tuple[Path, ...]
    real: str
    pairs: int
    notes: tuple[str, ...]

    @property
    def main(self) -> Path:
        """The walk itself."""
        return self.paths[0]


def walk(gan: GAN, options: LatentWalkOptions, ctx: Context) -> Walk:
    """Draw and measure the walk and its controls; BadInputError for a feature space or data that do not serve."""
    opened = space_for(gan, options.feature_space, str(ctx.device))
    space = None if opened.name == "pixels" else opened  # pixels are measured anyway
    spherical = gan.card.z_distribution == "normal"
    classes, pairs = len(gan.card.classes), options.pairs
    ended = max(2 * pairs, options.points)  # those behind are memorised: no walk begins at one of them
    samples = ctx.samples(gan, ended + MEMORISED)
    own = _levels(gan, samples.images)
    pool = own[:ended] if ctx.data is None else _real(gan, ended, options.points, ctx)

    def drawn(z: Tensor, leg: np.ndarray) -> np.ndarray:
        labels = torch.from_numpy(leg % classes) if classes else None
        return _levels(gan, gan.sample(z, labels, ctx.batch_size))

    def looked_up(z: Tensor, _leg: np.ndarray) -> np.ndarray:
        nearest = torch.cdist(z, samples.z[ended:]).argmin(dim=1).numpy()
        found: np.ndarray = own[ended:][nearest]
        return found

    def through(
        generator: Callable[[Tensor, np.ndarray], np.ndarray],
    ) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
        def draw(first: np.ndarray, last: np.ndarray, at: np.ndarray) -> np.ndarray:
            t = torch.from_numpy(at.astype(np.float32))
            return generator(interpolate(samples.z[first], samples.z[last], t, spherical), first)

        return draw

    def faded(first: np.ndarray, last: np.ndarray, at: np.ndarray) -> np.ndarray:
        share = at.astype(np.float32)[:, None, None, None]
        mixed: np.ndarray = pool[first % len(pool)] * (1 - share) + pool[last % len(pool)] * share
        return mixed

    measuring = Measuring(options.points - 1, pairs, space, ctx)
    main = measuring.path("the walk", through(drawn))
    images = "real" if ctx.data is not None else "samples"
    paths = (
        main,
        measuring.path(f"control: {images} cross-faded", faded),
        measuring.path(f"control: {MEMORISED} memorised", through(looked_up)),
        measuring.shuffled("control: shuffled", main),
    )
    real = "" if ctx.data is None else ctx.data.name
    return Walk(gan, samples.z[: options.points], spherical, paths, real, pairs, opened.notes)


def _real(gan: GAN, n: int, points: int, ctx: Context) -> np.ndarray:
    """Up to n random images of the data, as `_levels` gives them."""
    assert ctx.data is not None  # noqa: S101  # asked by the caller
    split = ctx.data.train
    if len(split) < points:
        raise BadInputError(f"{split.name} has {len(split)} images to cross-fade: lower --points to that")
    images = ctx.images(split.take(min(n, len(split)), ctx.rng("latent-walk/real")), gan.card).images
    levels: np.ndarray = images.astype(np.float32)
    return levels


def _levels(gan: GAN, images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) as (N, H, W, C) float32 in grey levels 0..255, not rounded: halvings go below one of them."""
    low, high = gan.card.value_range
    levels = (images.permute(0, 2, 3, 1) - low) * (255 / (high - low))
    clipped: np.ndarray = levels.clamp_(0, 255).numpy()
    return clipped
