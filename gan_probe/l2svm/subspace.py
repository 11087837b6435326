"""The subspaces that optima are sought in, and the preconditioners that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular

from gan_probe.l2svm.newton import Product
from gan_probe.l2svm.rows import Rows

LEAST = 1e-3  # of an inverse curvature
DEPENDENT = 1e-6  # a direction of which so little is new, in squares, is none


def inverse(gram: np.ndarray, penalty: float, curve: float) -> Callable[[np.ndarray], np.ndarray]:
    """Solves with the Hessian of a small problem: penalties on the diagonal, and `curve` times the Gram matrix."""
    matrix = curve * gram
    matrix[np.diag_indices_from(matrix)] += [*[1.0] * (len(matrix) - 1), penalty]
    factor = cho_factor(matrix, overwrite_a=True, check_finite=False)

    def apply(R: np.ndarray) -> np.ndarray:
        # rows inside the margin may leave a direction free that all rows hold: flatten none too far
        found: np.ndarray = cho_solve(factor, R, check_finite=False).astype(R.dtype) + R.dtype.type(LEAST) * R
        return found

    return apply


@dataclass
class Grown:
    """A subspace that grows: orthonormal directions (F, M), and what the rows make of them (n, M)."""

    directions: np.ndarray
    coordinates: np.ndarray
    gram: np.ndarray  # (M + 1, M + 1): weighed products of the coordinates and the constant column

    @classmethod
    def empty(cls, X: Rows, shares: np.ndarray, dtype: type) -> Grown:
        """The subspace of no directions."""
        return cls(np.zeros((X.width, 0), dtype), np.zeros((len(X), 0), dtype), np.full((1, 1), float(shares.sum())))

    @property
    def size(self) -> int:
        """Its dimensions."""
        return int(self.directions.shape[1])

    def weights(self, _X: Rows, A: np.ndarray) -> np.ndarray:
        """The weights (F + 1, K) that coordinates (M + 1, K) stand for."""
        return np.vstack([self.directions @ A[:-1], A[-1:]])

    def grow(self, X: Rows, shares: np.ndarray, gradient: np.ndarray) -> int:
        """Add the directions of gradients (F, K), which costs a reading of the rows; returns how many were new."""
        new = gradient
        for _ in range(2):  # once is not enough in floating point
            new = orthonormal(new - self.directions @ (self.directions.T @ new))
        if new.shape[1] == 0:
            return 0
        coordinates = X.forward(np.vstack([new, np.zeros((1, new.shape[1]), new.dtype)]))
        weighed = (shares * coordinates).astype(np.float64)
        ones = weighed.sum(0, keepdims=True)
        old = self.coordinates.astype(np.float64).T @ weighed
        inner, m = coordinates.astype(np.float64).T @ weighed, self.size
        self.gram = np.block(
            [
                [self.gram[:m, :m], old, self.gram[:m, m:]],
                [old.T, inner, ones.T],
                [self.gram[m:, :m], ones, self.gram[m:, m:]],
            ]
        )
        self.directions = np.hstack([self.directions, new])
        self.coordinates = np.hstack([self.coordinates, coordinates])
        return int(new.shape[1])

    def preconditioner(self, penalty: float, C: float) -> Callable[[float], Product]:
        """For the whole space: exact within the subspace, and beyond it as curved as in its last directions."""

        def make(share: float) -> Product:
            solve = inverse(self.gram, penalty, 2 * C * share)
            last = np.diag(self.gram)[:-1][-10:]
            rest = 1 + 2 * C * share * float(last.mean() if len(last) else 0.0)

            def apply(R: np.ndarray) -> np.ndarray:
                inside = self.directions.T @ R[:-1]
                solved = solve(np.vstack([inside, R[-1:]]))
                spread = self.directions @ (solved[:-1] - inside / R.dtype.type(rest)) + R[:-1] / R.dtype.type(rest)
                return np.vstack([spread, solved[-1:]]).astype(R.dtype, copy=False)

            return apply

        return make


@dataclass
class Spanned:
    """The space that few rows span: the factor of their kernel stands in for the features."""

    coordinates: np.ndarray  # (n, n), lower triangular: X X' = L L'

    @classmethod
    def by(cls, X: Rows, dtype: type) -> Spanned | None:
        """None where the rows are so nearly dependent that the factor is not theirs."""
        try:
            factor = np.linalg.cholesky(X.kernel(dtype).astype(np.float64))
        except LinAlgError:
            return None
        return cls(factor.astype(dtype))

    def weights(self, X: Rows, A: np.ndarray) -> np.ndarray:
        """The weights (F + 1, K) that coordinates (n + 1, K) stand for."""
        duals = solve_triangular(self.coordinates, A[:-1], trans="T", lower=True, check_finite=False)
        return np.vstack([X.backward(duals.astype(A.dtype))[:-1], A[-1:]])


def orthonormal(V: np.ndarray) -> np.ndarray:
    """An orthonormal basis of V's columns, dependent ones left out: eigenvectors of their Gram matrix."""
    V = V / np.maximum(np.sqrt(np.einsum("fk,fk->k", V, V)), 1e-30).astype(V.dtype)
    values, vectors = np.linalg.eigh((V.T @ V).astype(np.float64))
    kept = values > DEPENDENT
    found: np.ndarray = V @ (vectors[:, kept] / np.sqrt(values[kept])).astype(V.dtype)
    return found
