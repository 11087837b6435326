"""The images that are searched: 32x32 centre crops in colour, as the paper's autoencoder takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError, Card
from gan_probe.duplicates.keeplist import name_of

if TYPE_CHECKING:
    from gan_probe import Context
    from gan_probe.data import Split

SIDE, CHANNELS = 32, 3


@dataclass(frozen=True)
class Seen:
    """Images (N, 32, 32, 3) uint8 of a split, and the position (N,) in it of each, less those that cannot be read."""

    split: Split
    images: np.ndarray
    positions: np.ndarray

    def name(self, i: int) -> str:
        """What the i-th image is called in the set."""
        return name_of(self.split, int(self.positions[i]))


@dataclass(frozen=True)
class World:
    """The training images, which are searched for duplicates, and the test images, whose copies in there are found."""

    train: Seen
    test: Seen | None


def world(ctx: Context) -> World:
    """Decode the set; BadInputError for a single image."""
    assert ctx.data is not None  # noqa: S101  # `needs` says so
    train = _seen(ctx.data.train, ctx)
    if len(train.images) < 2:
        raise BadInputError(f"{ctx.data.name} holds a single image: a search for duplicates needs two at least")
    return World(train, None if ctx.data.test is None else _seen(ctx.data.test, ctx))


def _seen(split: Split, ctx: Context) -> Seen:
    # what is told of each image goes with it where others cannot be read
    numbered = replace(split, attributes={"position": np.arange(len(split))}, boxes={})
    images = ctx.images(numbered, Card("dedup", "no network", SIDE, CHANNELS))
    return Seen(split, images.images, images.attributes["position"])
