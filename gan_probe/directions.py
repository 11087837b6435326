"""Directions in latent space along which a generator changes most, found without labels.

SeFa: Shen and Zhou, *Closed-form factorization of latent semantics in GANs* (2021). GANSpace: Härkönen et al.,
*GANSpace: discovering interpretable GAN controls* (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_probe.errors import BadInputError


@dataclass(frozen=True, eq=False)
class Directions:
    """K directions, the strongest first: `vectors` (K, Z) float64 of length 1, and the share (K,) that each explains.

    Which of its two ways a direction points is settled by its largest coordinate, which is positive.
    """

    vectors: np.ndarray
    explained: np.ndarray


def sefa(weight: np.ndarray, k: int) -> Directions:
    """The first k eigenvectors of A^T A, for the weight A (F, Z) of the layer that z enters.

    `explained` are shares of the sum of all eigenvalues. Raises BadInputError for more directions than A has, and for
    one that is not finite.
    """
    _check(weight, k, min(weight.shape))
    a = weight.astype(np.float64)
    values, vectors = np.linalg.eigh(a.T @ a)  # ascending
    return Directions(_pointed(vectors.T[::-1][:k]), np.maximum(values[::-1][:k], 0) / np.square(a).sum())


def ganspace(features: np.ndarray, z: np.ndarray, k: int) -> Directions:
    """What z (N, Z) must do to move along the first k principal components of the features (N, F) that it gives.

    Each direction is the regression of z on one component's coordinate; `explained` are shares of the features'
    variance. Raises BadInputError for more components than there are, and for features that do not vary.
    """
    from scipy.linalg import eigh

    _check(features, k, min(len(features) - 1, features.shape[1], z.shape[1]))
    x = features.astype(np.float64)
    x = x - x.mean(axis=0)
    total = np.square(x).sum()
    if total == 0:
        raise BadInputError("the first layer's activations do not vary: they have no principal components")
    wide = x.shape[1] > len(x)
    gram = x @ x.T if wide else x.T @ x  # the smaller of the two, which have the same values
    values, vectors = eigh(gram, subset_by_index=[len(gram) - k, len(gram) - 1], overwrite_a=True, check_finite=False)
    kept = vectors[:, ::-1]
    coordinates = kept if wide else x @ kept  # (N, k), up to length
    slopes = coordinates.T @ (z - z.mean(axis=0))  # coordinates are orthogonal: each regresses alone
    return Directions(_pointed(slopes), np.maximum(values[::-1], 0) / total)


def random_directions(k: int, z_size: int, rng: np.random.Generator) -> np.ndarray:
    """Directions (k, Z) of length 1, uniform over the sphere: the control."""
    return _pointed(rng.standard_normal((k, z_size)))


def _check(matrix: np.ndarray, k: int, most: int) -> None:
    if not np.isfinite(matrix).all():
        raise BadInputError("the first layer holds values that are not finite: the checkpoint is damaged")
    if not 1 <= k <= most:
        raise BadInputError(f"{k} directions are asked for; this layer and these samples give 1 to {most}")


def _pointed(vectors: np.ndarray) -> np.ndarray:
    strongest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.asarray(vectors * np.sign(strongest) / np.linalg.norm(vectors, axis=1, keepdims=True))
