"""Where to look for near-duplicates: the nearest Fourier magnitudes, as these stay when an image is shifted.

A translation changes only the phases of an image's Fourier transform, and a window makes that nearly true of one whose
edges are cut. JPEG keeps the low frequencies, and brightness is divided out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Callable

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
RADIUS = 12  # of 16 cycles an image of 32 pixels can hold: what JPEG keeps
DIMENSIONS = 64
BLOCK = 512  # images at a time
TILE = 2**26  # values of closeness at a time: 256 MB
FITTED = 5000  # images that the whitening is fitted on
SUBSAMPLE = 16  # one column in so many gives each row's first bound


def descriptors(images: np.ndarray) -> np.ndarray:
    """Fourier magnitudes of images (N, H, W, 3) uint8 up to 12 cycles an image, as unit vectors (N, F) float32."""
    height, width = images.shape[1:3]
    window = np.outer(_hann(height), _hann(width))
    row, column = np.meshgrid(fft.fftfreq(height, 1 / height), fft.rfftfreq(width, 1 / width), indexing="ij")
    # of a real image's two equal halves one; of the zeroth column a half again
    chosen = (np.hypot(row, column) <= RADIUS) & ((column > 0) | (row > 0))
    found = np.empty((len(images), int(chosen.sum())), np.float32)
    for start in range(0, len(images), BLOCK):
        grey = images[start : start + BLOCK].astype(np.float32) @ LUMA
        grey -= ((grey * window).sum((1, 2)) / window.sum())[:, None, None]
        # square roots, as the low frequencies would drown the others
        found[start : start + BLOCK] = np.sqrt(np.abs(fft.rfft2(grey * window))[:, chosen])
    return _unit(found)


def whitening(found: np.ndarray, dimensions: int = DIMENSIONS) -> Callable[[np.ndarray], np.ndarray]:
    """What makes descriptors (N, F) unit vectors (N, D) whose values are uncorrelated over these and equally large."""
    some = found[:: max(1, len(found) // FITTED)]
    centre = some.mean(0)
    _, sizes, axes = np.linalg.svd(some - centre, full_matrices=False)
    kept = sizes[:dimensions] > 1e-4 * max(float(sizes[0]), 1e-12)
    projection = axes[:dimensions][kept].T / np.maximum(sizes[:dimensions][kept], 1e-12)
    return lambda rows: _unit((rows - centre) @ projection)


def nearest(queries: np.ndarray, rows: np.ndarray, k: int, own: np.ndarray | None = None) -> np.ndarray:
    """Of unit vectors (M, D), the up to k nearest among `rows` (N, D), as pairs (P, 2) of query and row; exact.

    `own` (M,) names each query's own row, which is no neighbour of it.
    """
    k = min(k, len(rows) - (own is not None))
    if k < 1:
        return np.empty((0, 2), np.int64)
    step = SUBSAMPLE if len(rows) >= 4 * SUBSAMPLE * k else 1
    block = max(1, min(BLOCK, TILE // len(rows)))
    pairs = []
    for start in range(0, len(queries), block):
        closeness = queries[start : start + block] @ rows.T  # (B, N)
        if own is not None:
            closeness[np.arange(len(closeness)), own[start : start + block]] = -np.inf
        # the k-th of some is below the k-th of all: what passes it is little, and holds all that are sought
        bound = np.partition(closeness[:, ::step], -k, axis=1)[:, -k]
        query, row = np.nonzero(closeness >= bound[:, None])
        order = np.lexsort((row, -closeness[query, row], query))
        query, row = query[order], row[order]
        rank = np.arange(len(query)) - np.searchsorted(query, query)
        first = rank < k
        pairs.append(np.stack([query[first] + start, row[first]], axis=1))
    return np.concatenate(pairs)


def _hann(n: int) -> np.ndarray:
    return np.asarray(np.hanning(n + 2)[1:-1], np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)
