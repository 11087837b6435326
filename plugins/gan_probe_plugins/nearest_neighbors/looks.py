"""One way to look: neighbours of samples and of held-out images in one space, and the tests of copying there."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.copying import authenticity, data_copying, lower_tail
from gan_probe.neighbors import best_of, nearest, nearest_shifted, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """What was found in a space, called `name`: of `kind` pixels or features, in their places or shifted.

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


def in_pixels(sets: Sets, options: NearestNeighborsOptions, ctx: Context) -> list[Look]:
    """Pixels in their places, as bytes whose distances are exact; and at the best of all small shifts."""
    rows = [images.reshape(len(images), -1) for images in (sets.train, sets.held_out, sets.samples)]
    k = min(options.k, len(sets.train))
    _, height, width, channels = sets.train.shape
    values = (height - 2 * options.shift) * (width - 2 * options.shift) * channels
    moved = [
        nearest_shifted(images, sets.train, k, options.shift, device=str(ctx.device), progress=ctx.progress)
        for images in (sets.samples, sets.held_out)
    ]
    return [
        _in_place("pixels", "pixels", rows, 255, options, ctx),
        _look("shifted-pixels", _shifted_name("pixels", options), moved, 255 * math.sqrt(values)),
    ]


def in_features(sets: Sets, space: FeatureSpace, options: NearestNeighborsOptions, ctx: Context) -> list[Look]:
    """A feature space, likewise: where layers step over pixels, a shift changes the features of every map."""
    train, held_out, samples = (space(images, ctx.progress) for images in (sets.train, sets.held_out, sets.samples))
    k = min(options.k, len(train))
    moved = []
    for images in (sets.samples, sets.held_out):
        at_all = (space(part, ctx.progress) for part in shifted(images, options.shift))
        moved.append(best_of((nearest(part, train, k, device=str(ctx.device)) for part in at_all), k))
    return [
        _in_place("features", space.name, [train, held_out, samples], 1, options, ctx),
        _look("shifted-features", _shifted_name(space.name, options), moved, math.sqrt(train.shape[1])),
    ]


def _shifted_name(name: str, options: NearestNeighborsOptions) -> str:
    return f"{name}, shifted by up to {options.shift}"


def _look(kind: str, name: str, found: Sequence[Neighbors], unit: float) -> Look:
    """From the neighbours of samples and of held-out images; `unit` makes distances root mean squares."""
    samples, held_out = found
    mine, theirs = np.sqrt(samples.squared) / unit, np.sqrt(held_out.squared) / unit
    return Look(kind, name, samples, held_out, mine, theirs, lower_tail(theirs[:, 0], mine[:, 0]))


def _in_place(
    kind: str, name: str, rows: list[np.ndarray], unit: float, options: NearestNeighborsOptions, ctx: Context
) -> Look:
    """With the tests that need all distances in one place: of cells, and among training images."""
    train, held_out, samples = rows
    device = str(ctx.device)
    k = min(options.k, len(train))
    found = [nearest(queries, train, k, device=device, progress=ctx.progress) for queries in (samples, held_out)]
    look = _look(kind, name, found, unit * math.sqrt(train.shape[1]))
    authentic = None
    if len(train) > 1:
        authentic = _authentic(found[0], train, device), _authentic(found[1], train, device)
    return replace(look, copying=_copying(kind, train, held_out, samples, options.cells, ctx), authentic=authentic)


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
