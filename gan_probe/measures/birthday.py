"""The birthday paradox as a measure of support: how many different images a generator has (Arora et al. 2018).

Of n draws from S equally likely images n (n - 1) / 2S pairs collide on average: many twins mean few images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.pairs import tiles
from gan_probe.measures.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH = 30  # colliding pairs: the interval then reaches from two thirds to one and a half times the estimate
FIRST = 128  # samples looked at, before their number is doubled


@dataclass(frozen=True)
class Support:
    """How many different images `n` samples speak for, of which `pairs` pairs collided.

    `value` and its 95 % interval `low` to `high` are numbers of images; where no pair collided there is a lower bound
    alone, and `value` and `high` are None. Images that are drawn unequally often count less: the number is that of
    equally likely images which would collide as often (the inverse Simpson index), at most the number there are.
    """

    n: int
    pairs: int
    value: float | None
    low: float
    high: float | None
    method: str


def twins(rows: Rows, limit: float) -> np.ndarray:
    """How many others lie within the squared distance `limit` of each row, (N,) int64."""
    found = np.zeros(len(rows), np.int64)
    for tile in tiles(rows, rows):
        near = tile.squared <= limit
        if tile.first == tile.second:
            np.fill_diagonal(near, False)
        else:
            found[tile.second] += near.sum(0)
        found[tile.first] += near.sum(1)
    return found


def closest_pairs(rows: Rows, most: int) -> list[tuple[int, int]]:
    """At most `most` pairs of rows (i, j), i < j, each with its nearest other, the closest first.

    No row is in two pairs, unless there are too few such pairs.
    """
    nearest, distance = np.zeros(len(rows), np.int64), np.full(len(rows), np.inf)
    for tile in tiles(rows, rows):
        squared = tile.squared
        if tile.first == tile.second:
            np.fill_diagonal(squared, np.inf)
        for mine, theirs, found in ((tile.first, tile.second, squared), (tile.second, tile.first, squared.T)):
            at = found.argmin(1)
            best = found[np.arange(len(found)), at]
            better = best < distance[mine]
            distance[mine] = np.where(better, best, distance[mine])
            nearest[mine] = np.where(better, at + theirs.start, nearest[mine])
    order = np.argsort(distance, kind="stable")
    both = zip(order.tolist(), nearest[order].tolist(), strict=True)
    near: list[tuple[int, int]] = list(dict.fromkeys((min(i, j), max(i, j)) for i, j in both))
    apart: list[tuple[int, int]] = []
    used: set[int] = set()
    for pair in near:
        if len(apart) < most and not used & set(pair):
            apart.append(pair)
            used |= set(pair)
    return [*apart, *(pair for pair in near if pair not in apart)][:most]


def support(counts: np.ndarray) -> Support:
    """The support that the twins of each of N samples (N,), as `twins` counts them, speak for.

    The interval is Garwood's of a Poisson number of collisions. Pairs that share a sample are independent where images
    are equally likely; what they collide too often by, where they are not, widens it. BadInputError for one sample.
    """
    from scipy.stats import chi2

    n, pairs = len(counts), int(counts.sum()) // 2
    if n < 2:
        raise BadInputError("one sample has no pairs: draw at least two")
    possible = n * (n - 1) / 2
    if pairs == 0:
        return Support(n, 0, None, possible / float(chi2.ppf(0.975, 2) / 2), None, "Garwood, of no collision")
    together = float((counts * (counts - 1)).sum())  # pairs of collisions with a sample in common, either way round
    excess = max(0.0, together - 2 * possible * (n - 2) * (pairs / possible) ** 2)
    spread = 1 + excess / pairs  # of the number of collisions: its variance over its mean
    low, high = (
        spread * float(chi2.ppf(tail, 2 * pairs / spread + more)) / 2 for tail, more in ((0.025, 0), (0.975, 2))
    )
    return Support(n, pairs, possible / pairs, possible / high, possible / low, "Garwood, of collisions")


def support_of(features: Callable[[int], np.ndarray], limit: float, most: int) -> Support:
    """The support of a generator, from as few samples as it takes: twice as many each time, until 30 pairs collide.

    `features(n)` gives the first n samples' features (n, F); a longer set begins with the shorter. `limit` is the
    squared distance up to which two are the same image, `most` the samples looked at in the end.
    """
    n = min(FIRST, most)
    while True:
        found = support(twins(Rows(features(n)), limit))
        if found.pairs >= ENOUGH or n >= most:
            return found
        n = min(2 * n, most)
