"""One way to look: neighbours of samples and of held-out images in one space, and the tests of copying there."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.copying import authenticity, data_copying, lower_tail
from gan_probe.neighbors import nearest, nearest_shifted

if TYPE_CHECKING:
    from gan_probe import Context
    from gan_probe.feature_space import FeatureSpace
    from gan_probe.measures.copying import DataCopying, LowerTail
    from gan_probe.measures.intervals import Estimate
    from gan_probe.neighbors import Neighbors
    from gan_probe_plugins.nearest_neighbors import NearestNeighborsOptions
    from gan_probe_plugins.nearest_neighbors.sets import Sets

PARTITIONED = 5000  # training images that k-means looks at
IN_A_CELL = 50  # of them, at least, on average


@dataclass(frozen=True)
class Look:
    """What was found in a space, called `name` by its `kind`: pixels, shifted or features.

    `samples` and `held_out` are the neighbours, with root mean square differences (M, k) in `sample_distances` and
    `held_out_distances`: of pixels from 0 to 1, or of features. `authentic` are AuthPct of samples and held-out images.
    """

    kind: str
    name: str
    samples: Neighbors
    held_out: Neighbors
    sample_distances: np.ndarray
    held_out_distances: np.ndarray
    tail: LowerTail
    copying: DataCopying | None = None
    authentic: tuple[Estimate, Estimate] | None = None


def in_pixels(sets: Sets, options: NearestNeighborsOptions, ctx: Context) -> Look:
    """Pixels in their places, as bytes: the distances are exact."""
    rows = [images.reshape(len(images), -1) for images in (sets.train, sets.held_out, sets.samples)]
    return _look("pixels", "pixels", rows, 255.0, options, ctx)


def in_features(sets: Sets, space: FeatureSpace, options: NearestNeighborsOptions, ctx: Context) -> Look:
    """A feature space."""
    rows = [space(images, ctx.progress) for images in (sets.train, sets.held_out, sets.samples)]
    return _look("features", space.name, rows, 1.0, options, ctx)


def in_shifted_pixels(sets: Sets, options: NearestNeighborsOptions, ctx: Context) -> Look:
    """Pixels at the best of all small shifts; distances alone, as the tests by cells and by balls are of one place."""
    k = min(options.k, len(sets.train))
    found = [
        nearest_shifted(images, sets.train, k, options.shift, device=str(ctx.device), progress=ctx.progress)
        for images in (sets.samples, sets.held_out)
    ]
    _, height, width, channels = sets.train.shape
    values = (height - 2 * options.shift) * (width - 2 * options.shift) * channels
    distances = [np.sqrt(side.squared / values) / 255 for side in found]
    tail = lower_tail(distances[1][:, 0], distances[0][:, 0])
    name = f"pixels, shifted by up to {options.shift}"
    return Look("shifted", name, found[0], found[1], distances[0], distances[1], tail)


def _look(
    kind: str, name: str, rows: list[np.ndarray], unit: float, options: NearestNeighborsOptions, ctx: Context
) -> Look:
    train, held_out, samples = rows
    device = str(ctx.device)
    found = [
        nearest(queries, train, min(options.k, len(train)), device=device, progress=ctx.progress)
        for queries in (samples, held_out)
    ]
    distances = [np.sqrt(side.squared / train.shape[1]) / unit for side in found]
    tail = lower_tail(distances[1][:, 0], distances[0][:, 0])
    copying = _copying(kind, train, held_out, samples, options.cells, ctx)
    authentic = tuple(_authentic(side, train, device) for side in found) if len(train) > 1 else None
    return Look(
        kind,
        name,
        found[0],
        found[1],
        distances[0],
        distances[1],
        tail,
        copying,
        (authentic[0], authentic[1]) if authentic else None,
    )


def _authentic(side: Neighbors, train: np.ndarray, device: str) -> Estimate:
    """AuthPct: the nearest training images' own nearest others are looked up only for those that are any."""
    near, whose = np.unique(side.indices[:, 0], return_inverse=True)
    found = nearest(train[near], train, 2, device=device)
    itself = found.indices[:, 0] == near
    others = np.where(itself, found.squared[:, 1], found.squared[:, 0])  # a double stands before or behind itself
    return authenticity(side.squared[:, 0], others[whose])


def _copying(
    kind: str, train: np.ndarray, held_out: np.ndarray, samples: np.ndarray, cells: int, ctx: Context
) -> DataCopying | None:
    """C_T over a partition of the training images by k-means."""
    centres = _centres(train, cells, ctx.rng(f"nearest-neighbors/cells {kind}"))
    device = str(ctx.device)
    places = [nearest(rows, centres, device=device).indices[:, 0] for rows in (train, held_out, samples)]
    distances = [np.full(len(rows), np.inf) for rows in (held_out, samples)]
    for cell in range(len(centres)):
        inside = train[places[0] == cell]
        for rows, place, into in zip((held_out, samples), places[1:], distances, strict=True):
            mine = place == cell
            if mine.any() and len(inside):
                into[mine] = nearest(rows[mine], inside, device=device).squared[:, 0]
    return data_copying(*distances, *places[1:])


def _centres(train: np.ndarray, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Of the cells, (K, F), in the type of the rows: any partition will do that samples have no part in."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    some = train[np.sort(rng.permutation(len(train))[:PARTITIONED])].astype(np.float32)
    cells = min(cells, max(1, len(some) // IN_A_CELL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different images than cells
        model = KMeans(cells, n_init=1, random_state=int(rng.integers(2**31))).fit(some)
    centres = np.rint(model.cluster_centers_) if train.dtype == np.uint8 else model.cluster_centers_
    found: np.ndarray = centres.astype(train.dtype)
    return found
