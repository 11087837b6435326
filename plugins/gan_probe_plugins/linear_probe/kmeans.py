"""The 1-layer K-means that the paper compares with (Coates, Ng and Lee 2011, "An analysis of single-layer networks").

Random patches, contrast-normalised and whitened, are clustered; an image's features tell, for each quadrant, how much
nearer than usual its patches lie to each centroid. No label is used, and no network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info, threadpool_limits

from gan_probe import BadInputError

SIDE = 6  # of a patch, in pixels
CONTRAST = 10.0  # added to a patch's variance, of pixels in [0, 255]; this and the next two as published
WHITENING = 0.1  # added to the eigenvalues of the normalised patches' covariance
DEVIATION = 0.01  # added to a feature's variance
ITERATIONS = 50
SETTLED = 0.01  # share of patches that change their centroid: further rounds tighten the clusters by a thousandth
CLOSE = 1e-3  # squared distance, in the points' variance: nearer to each other, two are one
BLOCK = 1000  # patches assigned at once: their distances stay in a processor's cache
SHARE = 64  # images that a thread takes at once
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Patches:
    """What was learnt from an image set's patches: `mean` (D,), `whitening` (D, D) and `centroids` (K, D), float32.

    D counts the values of a patch, SIDE x SIDE x channels.
    """

    mean: np.ndarray
    whitening: np.ndarray
    centroids: np.ndarray

    def whiten(self, patches: np.ndarray) -> np.ndarray:
        """Raw patches (N, D) in [0, 255] as the centroids see them: (N, D) float32."""
        whitened: np.ndarray = (_contrast_normalised(patches) - self.mean) @ self.whitening
        return whitened

    def features(
        self, images: np.ndarray, out: np.ndarray | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """The features (N, 4 K) float32 of images (N, H, W, C) uint8, into `out` where it is given.

        At every position, max(0, mean distance - distance) to each centroid ("triangle"), summed over quadrants in the
        order top left, bottom left, top right, bottom right. Each image is computed on its own and in one thread:
        what stands beside it has no influence. Errors as for `learn`.
        """
        _check_images(images)
        if images.shape[3] * SIDE**2 != len(self.mean):
            raise BadInputError(f"the centroids are of other images: these have {images.shape[3]} channels")
        width = 4 * len(self.centroids)
        features = np.empty((len(images), width), np.float32) if out is None else out
        if features.shape != (len(images), width):
            raise ValueError(f"out has shape {features.shape}; {(len(images), width)} is needed")
        doubled, lengths = 2 * self.centroids.T, np.square(self.centroids).sum(1)

        def fill(start: int) -> int:
            for i in range(start, end := min(start + SHARE, len(images))):
                features[i] = self._pooled(images[i], doubled, lengths)
            return end

        blas = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(blas) as threads:
            for done in threads.map(fill, range(0, len(images), SHARE)):
                if progress is not None:
                    progress(done, len(images), "extracting K-means features")
        return features

    def _pooled(self, image: np.ndarray, doubled: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        height, width = image.shape[0] - SIDE + 1, image.shape[1] - SIDE + 1
        whitened = self.whiten(_windows(image).reshape(height * width, -1))
        near = whitened @ doubled  # (positions, K): squared distances, in place from here
        np.subtract(np.square(whitened).sum(1, keepdims=True), near, out=near)
        near += lengths
        np.sqrt(np.maximum(near, 0, out=near), out=near)
        np.subtract(near.mean(1, keepdims=True), near, out=near)
        maps = np.maximum(near, 0, out=near).reshape(height, width, -1)
        top, left = math.ceil(height / 2), math.ceil(width / 2)  # the larger half, of an odd number, as published
        quadrants = maps[:top, :left], maps[top:, :left], maps[:top, left:], maps[top:, left:]
        return np.concatenate([quadrant.sum((0, 1)) for quadrant in quadrants])


def learn(
    images: np.ndarray,
    rng: np.random.Generator,
    *,
    centroids: int = 400,
    patches: int = 100_000,
    progress: Progress | None = None,
) -> Patches:
    """Learn whitening and centroids from random patches of images (N, H, W, C) uint8; no labels.

    The published numbers are 4,800 centroids and 400,000 patches. Plain k-means from random patches: a centroid that
    loses all of its patches, or comes to lie upon another, starts anew at a random patch that no centroid lies upon.
    Raises BadInputError for images smaller than a patch and for fewer patches than centroids.
    """
    _check_images(images)
    if patches < centroids:
        raise BadInputError(f"{centroids} centroids cannot be learnt from {patches} patches: ask for more patches")
    normalised = _contrast_normalised(_drawn(images, patches, rng))
    mean = normalised.mean(0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(normalised, rowvar=False, dtype=np.float64))
    whitening = ((vectors / np.sqrt(values.clip(0) + WHITENING)) @ vectors.T).astype(np.float32)
    whitened = (normalised - mean.astype(np.float32)) @ whitening
    return Patches(mean.astype(np.float32), whitening, _cluster(whitened, centroids, rng, progress))


def standardise(train: np.ndarray, test: np.ndarray) -> None:
    """Give both, in place, the training features' (N, F) zero mean and unit variance, which has DEVIATION added."""
    mean = train.mean(0, dtype=np.float64).astype(np.float32)
    variance = sum(np.square(rows - mean, dtype=np.float64).sum(0) for rows in _blocks(train)) / max(1, len(train) - 1)
    deviation = np.sqrt(variance + DEVIATION).astype(np.float32)
    for features in (train, test):
        features -= mean
        features /= deviation


def _cluster(points: np.ndarray, k: int, rng: np.random.Generator, progress: Progress | None) -> np.ndarray:
    """Lloyd's algorithm: centroids (K, D) of points (N, D)."""
    centroids = points[rng.choice(len(points), k, replace=False)]
    nearest = np.full(len(points), -1)
    close = CLOSE * points.var(0, dtype=np.float64).sum()
    for done in range(1, ITERATIONS + 1):
        before, half = nearest, np.square(centroids).sum(1) / 2
        nearest = np.concatenate([(rows @ centroids.T - half).argmax(1) for rows in _blocks(points)])
        members = csr_array((np.ones(len(points), np.float32), (nearest, np.arange(len(points)))), (k, len(points)))
        counts = np.bincount(nearest, minlength=k)
        centroids = (members @ points) / np.maximum(counts, 1).astype(np.float32)[:, None]
        again = np.flatnonzero((counts == 0) | _twins(centroids, close))
        if len(again):
            own = [np.square(points[i : i + BLOCK] - centroids[nearest[i : i + BLOCK]]).sum(1) for i in _starts(points)]
            away = np.flatnonzero(np.concatenate(own) > close)
            again = again[: len(away)]
            centroids[again] = points[rng.choice(away, len(again), replace=False)]
        if progress is not None:
            progress(done, ITERATIONS, f"clustering patches around {k:,} centroids")
        if (nearest != before).mean() < SETTLED and not len(again):
            break
    return centroids


def _twins(centroids: np.ndarray, close: float) -> np.ndarray:
    """Which centroids (K, D) lie upon an earlier one: equal patches are shared out among them by rounding alone."""
    lengths, starts = np.square(centroids).sum(1), _starts(centroids)
    upon = [
        lengths[i : i + BLOCK, None] + lengths - 2 * (centroids[i : i + BLOCK] @ centroids.T) <= close for i in starts
    ]
    return np.asarray(np.tril(np.concatenate(upon), -1).any(1))


def _contrast_normalised(patches: np.ndarray) -> np.ndarray:
    """Each patch (N, D) less its mean, by its standard deviation: brightness and contrast taken out."""
    patches = patches.astype(np.float32)
    patches -= patches.mean(1, keepdims=True)
    variance = np.square(patches).sum(1, keepdims=True) / (patches.shape[1] - 1)
    patches /= np.sqrt(variance + np.float32(CONTRAST))
    return patches


def _drawn(images: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Patches (n, D) at random places of random images."""
    count, height, width, _ = images.shape
    chosen = np.sort(rng.integers(count, size=n))  # in order: the images may lie on a disk
    tops, lefts = rng.integers(height - SIDE + 1, size=n), rng.integers(width - SIDE + 1, size=n)
    rows, columns = tops[:, None] + np.arange(SIDE), lefts[:, None] + np.arange(SIDE)
    patches: np.ndarray = images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]  # (n, SIDE, SIDE, C)
    return patches.reshape(n, -1)


def _windows(image: np.ndarray) -> np.ndarray:
    """Every patch of an image (H, W, C): (H', W', SIDE, SIDE, C)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (SIDE, SIDE), (0, 1))  # (H', W', C, SIDE, SIDE)
    return windows.transpose(0, 1, 3, 4, 2)


def _starts(rows: np.ndarray) -> range:
    return range(0, len(rows), BLOCK)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + BLOCK] for start in _starts(rows)]


def _check_images(images: np.ndarray) -> None:
    if images.ndim != 4 or images.dtype != np.uint8:
        raise BadInputError(f"K-means takes images (N, H, W, C) of type uint8, not {images.ndim}-d {images.dtype}")
    if len(images) == 0:
        raise BadInputError("K-means has no images to read patches from")
    if min(images.shape[1:3]) <= SIDE:  # each quadrant needs a patch
        raise BadInputError(
            f"K-means reads patches of {SIDE}x{SIDE}: images of {images.shape[1]}x{images.shape[2]} are too small"
        )
