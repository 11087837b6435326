"""Four ways to say which images are duplicates, behind one face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.duplicates.autoencoder import Autoencoder
from gan_probe.duplicates.groups import components, left_out
from gan_probe.duplicates.hashes import equal, matches, perceptual_hashes, within
from gan_probe.duplicates.search import NearDuplicates

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe import Context
    from gan_probe_plugins.dedup import DedupOptions
    from gan_probe_plugins.dedup.world import World

HASH = "paper's hash"
OVERLAY = "overlay"
RADIUS = 4  # bits of 64 that may differ


@dataclass(frozen=True)
class Method:
    """A way to find duplicates: its groups in the set, the first of each kept, and what it says of other images.

    `matches(queries)` gives pairs (P, 2) of a query (M, 32, 32, 3) uint8 and an image of the set that are duplicates.
    """

    name: str
    groups: list[np.ndarray]
    matches: Callable[[np.ndarray], np.ndarray]

    @property
    def left_out(self) -> np.ndarray:
        """Pairs (P, 2) of the image kept and one left out for it."""
        return left_out(self.groups)


@dataclass(frozen=True)
class Methods:
    """All of them, the paper's hash first and overlay last; `search` is behind overlay, `error` the autoencoder's."""

    every: list[Method]
    search: NearDuplicates
    error: float  # root mean square of the reconstruction, in grey levels

    def __getitem__(self, name: str) -> Method:
        return next(method for method in self.every if method.name == name)


def methods(world: World, options: DedupOptions, ctx: Context) -> Methods:
    """Hash and search the training images."""
    images = world.train.images
    autoencoder = Autoencoder(images, ctx.rng("dedup/autoencoder"))
    error = autoencoder.train(options.steps, ctx.progress) ** 0.5
    codes = autoencoder.hashes(images)
    ctx.progress(0, 1, "comparing perceptual hashes")
    perceptual = perceptual_hashes(images)
    n = len(images)
    search = NearDuplicates(images, options.agreement, ctx.progress)
    return Methods(
        [
            Method(HASH, _sorted(components(n, equal(codes))), lambda q: matches(autoencoder.hashes(q), codes, 0)),
            Method(
                "pHash",
                _sorted(components(n, equal(perceptual))),
                lambda q: matches(perceptual_hashes(q), perceptual, 0),
            ),
            Method(
                f"pHash, {RADIUS} bits",
                _sorted(components(n, within(perceptual, RADIUS))),
                lambda q: matches(perceptual_hashes(q), perceptual, RADIUS),
            ),
            Method(OVERLAY, search.groups(), lambda q: search.matches(q)[0]),
        ],
        search,
        error,
    )


def _sorted(groups: list[np.ndarray]) -> list[np.ndarray]:
    """The largest first."""
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))
