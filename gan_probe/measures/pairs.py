"""One look at every pair of rows, within a set or between two, tile by tile: what the other measures count from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gan_probe.measures.rows import Rows

BINS = 2**16  # of distances, for their median: it is known to 1/65,536 of the largest that there could be


@dataclass(frozen=True)
class Tile:
    """Squared distances (B, D) between the rows at `first` and those at `second`, and their kernel's values.

    `slack` is the most that rounding changes a distance by; what is below it is 0: equal rows are equal here.
    """

    first: slice
    second: slice
    squared: np.ndarray
    slack: np.ndarray
    kernel: np.ndarray


@dataclass(frozen=True)
class Within:
    """Of a set of N rows: `nearest` (N, k) squared distances of each to its k nearest others, in order.

    `mean` and `median` are of the distances of all pairs; `kernel` (N,) sums each row's kernel with all others.
    """

    nearest: np.ndarray
    mean: float
    median: float
    kernel: np.ndarray


@dataclass(frozen=True)
class Between:
    """Of N real rows and M fake ones.

    `balls` (M,) counts the real rows in whose ball a fake one lies, `covered` (N,) says whether a real row's ball holds
    any fake one, `reached` (N,) whether it lies in any fake one's ball; `real_kernel` (N,) and `fake_kernel` (M,) sum
    each row's kernel with all rows of the other set.
    """

    balls: np.ndarray
    covered: np.ndarray
    reached: np.ndarray
    real_kernel: np.ndarray
    fake_kernel: np.ndarray


def within(rows: Rows, k: int) -> Within:
    """Look at each pair of a set once; BadInputError unless it has more than `k` rows, and three at least."""
    n = len(rows)
    if not 1 <= k < n or n < 3:
        raise BadInputError(f"{n} samples are too few for their {k} nearest neighbours: pass at least {max(3, k + 1)}")
    nearest = np.full((n, k), np.inf)
    kernel = np.zeros(n)
    counts = np.zeros(BINS, np.int64)
    total = 0.0
    scale = BINS / (2 * float(np.sqrt(rows.square.max())) or 1.0)
    for tile in tiles(rows, rows):
        squared, products = tile.squared, tile.kernel
        diagonal = tile.first == tile.second
        distances = np.sqrt(squared[np.triu_indices(len(squared), 1)] if diagonal else squared).ravel()
        total += float(distances.sum())
        counts += np.bincount(np.minimum(distances * scale, BINS - 1).astype(np.int64), minlength=BINS)
        if diagonal:  # none is its own neighbour
            np.fill_diagonal(squared, np.inf)
            np.fill_diagonal(products, 0)
        else:
            nearest[tile.second] = _smallest(nearest[tile.second], squared.T)
            kernel[tile.second] += products.sum(0)
        nearest[tile.first] = _smallest(nearest[tile.first], squared)
        kernel[tile.first] += products.sum(1)
    pairs = n * (n - 1) // 2
    return Within(np.sort(nearest, axis=1), total / pairs, _median(counts, scale), kernel)


def between(real: Rows, fake: Rows, real_radii: np.ndarray, fake_radii: np.ndarray) -> Between:
    """Look at each pair of a real row and a fake one; the squared radii (N,) and (M,) are those of the rows' balls.

    A ball is open, as in Naeem's code: a row that lies on its edge, to rounding, is outside.
    """
    balls = np.zeros(len(fake), np.int64)
    covered, reached = np.zeros(len(real), np.bool_), np.zeros(len(real), np.bool_)
    real_kernel, fake_kernel = np.zeros(len(real)), np.zeros(len(fake))
    for tile in tiles(real, fake):
        i, j = tile.first, tile.second
        surely = tile.squared + tile.slack
        inside = surely < real_radii[i, None]
        balls[j] += inside.sum(0)
        covered[i] |= inside.any(1)
        reached[i] |= (surely < fake_radii[j]).any(1)
        real_kernel[i] += tile.kernel.sum(1)
        fake_kernel[j] += tile.kernel.sum(0)
    return Between(balls, covered, reached, real_kernel, fake_kernel)


def tiles(first: Rows, second: Rows) -> Iterator[Tile]:
    """All tiles of two sets, or those of one with itself on and above the diagonal."""
    rounding = 4 * (first.dimensions + 4) * np.finfo(np.float64).eps
    for i, x in first.blocks():
        for j, y in second.blocks(i.start if first is second else 0):
            product = x @ y.T
            sizes = first.square[i, None] + second.square[j]
            squared = sizes - 2 * product
            slack = rounding * sizes
            squared[squared < slack] = 0
            kernel = product + first.shift[i, None] + second.shift[j]
            kernel /= first.dimensions
            kernel += 1
            yield Tile(i, j, squared, slack, kernel * kernel * kernel)


def _smallest(known: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The k smallest of each row (B, k) among those known (B, k) and those found (B, D)."""
    k = known.shape[1]
    return np.partition(np.concatenate([known, found], axis=1), k - 1, axis=1)[:, :k]


def _median(counts: np.ndarray, scale: float) -> float:
    """The middle of the bin that half of the distances lie below."""
    half = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    return 0.0 if half == 0 else (half + 0.5) / scale
