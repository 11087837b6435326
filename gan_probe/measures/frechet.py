"""FID: the Fréchet distance of two Gaussians with the sets' means and covariances (Heusel et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.measures.intervals import Estimate, normal
from gan_probe.measures.rows import BLOCK

if TYPE_CHECKING:
    from gan_probe.measures.rows import Rows


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A set's mean (F,) about its centre, and R (r, F), r <= F, with R^T R its covariance (unbiased, over N - 1)."""

    rows: Rows
    mean: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> Gaussian:
        """Fitted to a set of at least two rows; no covariance is ever squared up, so that no digits are lost."""
        mean = np.sum([block.sum(0) for _, block in rows.blocks()], axis=0) / len(rows)
        most = max(2 * rows.dimensions, BLOCK)  # rows held at a time
        held: list[np.ndarray] = []
        for _, block in rows.blocks():
            held.append(block - mean)
            if sum(map(len, held)) > most:
                held = [_triangle(np.concatenate(held))]
        root = np.concatenate(held)
        if len(root) > rows.dimensions:
            root = _triangle(root)
        return cls(rows, mean, root / np.sqrt(len(rows) - 1))

    @cached_property
    def total(self) -> float:
        """The covariance's trace."""
        return float(np.square(self.root).sum())


def frechet_distance(real: Gaussian, fake: Gaussian) -> Estimate:
    """|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)); exact also where there are fewer samples than dimensions.

    With roots R of the covariances, the eigenvalues of S S' are the squared singular values of R R'^T. It is biased:
    two sets from one distribution are at a distance above 0, the more so the smaller they are. The interval, by the
    delta method from the influence of each sample, is one of the expected distance *at these sizes*.
    """
    value, *influences = frechet_influence(real, fake)
    variance = sum(float(influence.var(ddof=1)) / len(influence) for influence in influences)
    return normal(value, float(np.sqrt(variance)), "delta method")


def frechet_influence(real: Gaussian, fake: Gaussian) -> tuple[float, np.ndarray, np.ndarray]:
    """The distance, and by how much each real sample (N,) and each fake one (M,) moves it, to first order; mean 0."""
    from scipy.linalg import svd

    left, together, right = svd(
        real.root @ fake.root.T, full_matrices=False, overwrite_a=True, check_finite=False, lapack_driver="gesdd"
    )
    shift = real.mean - fake.mean
    value = float(shift @ shift) + real.total + fake.total - 2 * float(together.sum())
    kept = together > together[0] * len(together) * np.finfo(np.float64).eps
    scale = 1 / np.sqrt(together[kept])
    of_real = _influence(real, (right[kept] * scale[:, None]) @ fake.root, shift)
    of_fake = _influence(fake, (left.T[kept] * scale[:, None]) @ real.root, -shift)
    return max(0.0, value), of_real, of_fake


def _influence(side: Gaussian, root: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """How far each of this set's samples (N,) moves the distance; `shift` is from the other mean to its own.

    `root` W (r, F) is that of the linear map W^T W which carries this set's Gaussian to the other's: its derivative by
    a sample's weight is |x|^2 - |W x|^2 + 2 x shift, with x the sample less the mean.
    """
    influence = np.empty(len(side.rows))
    for part, block in side.rows.blocks():
        x = block - side.mean
        influence[part] = np.square(x).sum(1) - np.square(x @ root.T).sum(1) + 2 * x @ shift
    centred: np.ndarray = influence - influence.mean()
    return centred


def _triangle(rows: np.ndarray) -> np.ndarray:
    """The R of their QR decomposition: as many rows as there are columns, with the same products R^T R."""
    found: Any = np.linalg.qr(rows, mode="r")  # numpy's types know of no mode
    return np.asarray(found)
