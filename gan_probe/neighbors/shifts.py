"""Neighbours of images whatever few pixels they are shifted by, which a distance of pixels in their places misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.neighbors.search import Neighbors, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gan_probe.neighbors.search import Progress


def nearest_shifted(
    queries: np.ndarray,
    images: np.ndarray,
    k: int = 1,
    reach: int = 2,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Neighbors:
    """The k nearest of images (N, H, W, C) to each query (Q, H, W, C), at the best of all shifts up to `reach` pixels.

    The middle of an image, without `reach` pixels on each side, is compared with every window of its size in the query:
    a copy shifted by no more is at distance 0, whatever came in at its edge. (2 reach + 1)^2 searches of `nearest`.
    Raises BadInputError for images too small to have a middle.
    """
    _, height, width, _ = images.shape
    if min(height, width) <= 2 * reach or queries.shape[1:] != images.shape[1:]:
        raise BadInputError(
            f"images of {queries.shape[1:]} and {images.shape[1:]} cannot be shifted by {reach} pixels: shift by less"
        )
    inner = height - 2 * reach, width - 2 * reach
    middles = _flat(images[:, reach : reach + inner[0], reach : reach + inner[1]])
    places = [(y, x) for y in range(2 * reach + 1) for x in range(2 * reach + 1)]

    def searches() -> Iterator[Neighbors]:
        for done, (y, x) in enumerate(places):
            yield nearest(_flat(queries[:, y : y + inner[0], x : x + inner[1]]), middles, k, device=device)
            if progress is not None:
                progress(done + 1, len(places), "nearest neighbours at all shifts")

    return best_of(searches(), k)


def shifted(images: np.ndarray, reach: int = 2) -> Iterator[np.ndarray]:
    """Images (N, H, W, C) at each of (2 reach + 1)^2 shifts, up to `reach` pixels; what comes in repeats the edge."""
    _, height, width, _ = images.shape
    wide = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            yield wide[:, y : y + height, x : x + width]


def best_of(searches: Iterable[Neighbors], k: int = 1) -> Neighbors:
    """The k nearest of several searches for the same queries among the same rows, each row at its nearest.

    Each search must have found k at least. Raises BadInputError for none.
    """
    squared = indices = None
    for found in searches:
        if squared is None or indices is None:
            squared, indices = found.squared[:, :k], found.indices[:, :k]
            continue
        squared, indices = _best(
            np.concatenate([squared, found.squared], axis=1), np.concatenate([indices, found.indices], axis=1), k
        )
    if squared is None or indices is None:
        raise BadInputError("there are no searches to take the best of")
    return Neighbors(squared, indices)


def _best(squared: np.ndarray, indices: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest different rows of each query; one found at several shifts counts once, at its nearest."""
    order = np.lexsort((squared, indices), axis=1)
    squared, indices = np.take_along_axis(squared, order, 1), np.take_along_axis(indices, order, 1)
    again = np.zeros(indices.shape, np.bool_)
    again[:, 1:] = indices[:, 1:] == indices[:, :-1]
    squared = np.where(again, np.inf, squared)
    order = np.lexsort((indices, squared), axis=1)[:, :k]
    return np.take_along_axis(squared, order, 1), np.take_along_axis(indices, order, 1)


def _flat(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.reshape(len(images), -1))
