"""FID: the Fréchet distance of two Gaussians with the sets' means and covariances (Heusel et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.measures.rows import BLOCK

if TYPE_CHECKING:
    from gan_probe.measures.rows import Rows


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A set's mean (F,) about its centre, and R (r, F), r <= F, with R^T R its covariance (unbiased, over N - 1)."""

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
        return cls(mean, root / np.sqrt(len(rows) - 1))

    @cached_property
    def total(self) -> float:
        """The covariance's trace."""
        return float(np.square(self.root).sum())


def frechet_distance(real: Gaussian, fake: Gaussian) -> float:
    """|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)); exact also where there are fewer samples than dimensions.

    With roots R of the covariances, the eigenvalues of S S' are the squared singular values of R R'^T. It is biased:
    two sets from one distribution are at a distance above 0, the more so the smaller they are.
    """
    from scipy.linalg import svdvals

    together = float(svdvals(real.root @ fake.root.T, overwrite_a=True, check_finite=False).sum())
    shift = float(np.square(real.mean - fake.mean).sum())
    return max(0.0, shift + real.total + fake.total - 2 * together)


def _triangle(rows: np.ndarray) -> np.ndarray:
    """The R of their QR decomposition: as many rows as there are columns, with the same products R^T R."""
    found: Any = np.linalg.qr(rows, mode="r")  # numpy's types know of no mode
    return np.asarray(found)
