"""Samples, real images and held-out ones, as many of each, in one feature space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError
from gan_probe.feature_space import space_for

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe.data import Images
    from gan_probe.feature_space import FeatureSpace

FEWEST = 50  # images, below which nothing is said of variety


class Stream:
    """The features and the pixels of a generator's samples: the first n of one stream, made when they are asked for."""

    def __init__(self, gan: GAN, space: FeatureSpace, ctx: Context) -> None:
        self._gan, self._space, self._ctx = gan, space, ctx
        self._features: np.ndarray | None = None

    def pixels(self, n: int) -> np.ndarray:
        """Of the first n samples, (n, H, W, C) uint8."""
        return self._ctx.samples(self._gan, n).pixels

    def features(self, n: int) -> np.ndarray:
        """Of the first n samples, (n, F) float32; an image's are computed once."""
        have = 0 if self._features is None else len(self._features)
        if have < n:
            more = self._space(self.pixels(n)[have:], self._ctx.progress)
            self._features = more if self._features is None else np.concatenate([self._features, more])
        assert self._features is not None  # noqa: S101  # n is at least 1
        return self._features[:n]


@dataclass(frozen=True)
class Sets:
    """`n` images each: training images, those held out, and the stream of samples; `real` and `held` are features.

    `notes` say what was taken for what, and which space was not to be had.
    """

    n: int
    space: FeatureSpace
    stream: Stream
    real_images: Images
    held_images: Images
    real: np.ndarray
    held: np.ndarray
    notes: tuple[str, ...]

    @property
    def samples(self) -> np.ndarray:
        """Features of the first n samples, (n, F)."""
        return self.stream.features(self.n)

    @property
    def where(self) -> str:
        """The feature space, and of pixels how many: numbers in different ones are not of the same thing."""
        if self.space.name != "pixels":
            return self.space.name
        height, width, channels = self.real_images.images.shape[1:]
        return f"pixels ({height}x{width}x{channels})"

    @property
    def sizes(self) -> str:
        """For captions: how many of what, and where."""
        return f"{self.n:,} samples and as many held-out real images against {self.n:,} others, in {self.space.name}"


def beside_real(gan: GAN, n: int, spec: str, ctx: Context) -> Sets:
    """At most `n` of each, and as many as there are of the fewest; BadInputError for fewer than 50.

    Held out is the data's own test split, or else a random half.
    """
    assert ctx.data is not None  # noqa: S101  # `needs` says so
    space = space_for(gan, spec, str(ctx.device))
    notes = list(space.notes)
    train, held_out = ctx.data.train_test(ctx.rng("collapse/halves"), fraction=0.5)
    size = min(n, len(train), len(held_out))
    if size < FEWEST:
        raise BadInputError(f"{ctx.data.name} leaves {size} images on either side: pass data of at least {2 * FEWEST}")
    images = [
        ctx.images(split.take(size, ctx.rng(f"collapse/{name}")), gan.card)
        for name, split in (("real", train), ("held out", held_out))
    ]
    size = min(map(len, images))  # less what could not be read
    if size < n:
        notes.append(
            f"{size:,} samples were measured instead of {n:,}: {ctx.data.name} has no more images to hold out."
        )
    if ctx.data.test is None:
        notes.append(f"{ctx.data.name} has no test split of its own: a random half was held out.")
    real, held = (_features(space, part, ctx)[:size] for part in images)
    return Sets(size, space, Stream(gan, space, ctx), images[0], images[1], real, held, tuple(notes))


def _features(space: FeatureSpace, images: Images, ctx: Context) -> np.ndarray:
    return ctx.once(("features", space.name, images.fingerprint), lambda: space(images.images, ctx.progress))
