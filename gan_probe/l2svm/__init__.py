"""The L2-SVM of the paper's probes: squared hinge loss, one class against the rest.

For each class, with labels y of -1 and 1 and weights s of the rows (1 unless they are given),

    minimise  1/2 (|w|^2 + b^2) + C sum_i s_i max(0, 1 - y_i (w . x_i + b))^2,

which is liblinear's problem (scikit-learn's LinearSVC with its default intercept_scaling); `free_intercept` leaves b^2
out. All classes are fitted at once: data are touched only by tall-skinny products that serve them together.

The optimum is sought in a small subspace, the same for all classes, which grows by the classes' gradients: within it
the problem is an L2-SVM again, of some dozens of features, solved by Newton's method; the gradient of the whole problem
at that solution then tells how far it is from the optimum, and in which directions the subspace should grow. Every
reading of the data so widens all classes' choice: features of a network (10,000 x 7,168, C = 1e-4) take 22 readings to
a gap of 1e-4. Few rows of many features are multiplied with each other where a few readings do not arrive, once for all
values of C: the optimum lies in their span, and the factor of their products stands in for them. Where a subspace would
have to grow too large (C near a hard margin), Newton's method goes on in the whole space, preconditioned by it.

The objective is 1-strongly convex in w, so half the squared norm of the gradient bounds its distance to the optimum:
that bound is where the iteration stops. (Krylov subspaces with Galerkin projection: Saad 2003, chapters 5 and 9;
Newton's method for this loss: Keerthi and DeCoste 2005, Chapelle 2007.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.l2svm.path import Path
from gan_probe.l2svm.rows import DeviceRows, Rows, threads

LARGEST = 1e12  # features beyond this are no activations, and their squares would leave single precision
GAP = 1e-6  # relative distance of the objective to its optimum, at most, unless the caller is content with less

__all__ = ["GAP", "L2SVM", "fit", "fit_path"]


@dataclass(frozen=True)
class L2SVM:
    """A fitted classifier: `coef` (K, F) and `intercept` (K,), one row a class.

    With two classes there is one row, positive for the second, as in scikit-learn. `gap` bounds the relative distance
    of each row's objective to its optimum; `readings` counts how often the whole features were read on the way here.
    """

    coef: np.ndarray
    intercept: np.ndarray
    classes: np.ndarray
    gap: np.ndarray
    C: float
    readings: int = 0

    def decision(self, features: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Margins (N, K) of features (N, F), or of the `chosen` rows (n,) among them, read in blocks."""
        with threads() as pool:
            return Rows(features, pool, chosen).forward(np.vstack([self.coef.T, self.intercept]))

    def predict(self, features: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """The class (N,) of each row of features (N, F), or of the `chosen` rows (n,)."""
        return self.named(self.decision(features, chosen))

    def named(self, margins: np.ndarray) -> np.ndarray:
        """The class (N,) that margins (N, K) speak for."""
        binary = len(self.classes) == 2
        predicted: np.ndarray = self.classes[(margins[:, 0] > 0).astype(int) if binary else margins.argmax(1)]
        return predicted


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    C: float,
    *,
    chosen: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    free_intercept: bool = False,
    gap: float = GAP,
    device: str = "cpu",
) -> L2SVM:
    """Fit on features (N, F) and labels (N,); C weighs the sum of losses against half the squared norm.

    Features may be of any real type and lie in a memory-mapped file: they are read in blocks of rows. `chosen` (n,) are
    the rows to fit on, `weights` (N,) those of the rows; `gap` is how near to the optimum, relatively, each row's
    objective must come. On a `device` other than the CPU, torch multiplies. Raises BadInputError for fewer than two
    classes, weights below zero, or features that are not finite.
    """
    settings = {"chosen": chosen, "weights": weights, "free_intercept": free_intercept, "gap": gap, "device": device}
    return next(fit_path(features, labels, [C], **settings))  # type: ignore[arg-type]


def fit_path(
    features: np.ndarray,
    labels: np.ndarray,
    grid: Sequence[float],
    *,
    chosen: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    free_intercept: bool = False,
    gap: float = GAP,
    device: str = "cpu",
) -> Iterator[L2SVM]:
    """Fits for the values of C in the grid, from the smallest upwards, each computed when it is asked for.

    Each starts from the one before, which changes it within `gap` only. Arguments and errors as for `fit`.
    """
    picked = slice(None) if chosen is None else chosen
    labels = np.asarray(labels)[picked]
    classes = np.unique(labels)
    if len(classes) < 2:
        raise BadInputError("a classifier needs at least two classes in its training labels")
    shares = np.ones(len(labels), np.float32) if weights is None else np.asarray(weights, np.float32)[picked]
    if not (shares >= 0).all() or not np.isfinite(shares).all() or not shares.any():
        raise BadInputError("the rows' weights must be finite and not negative, and one above zero")
    with threads() as pool:
        rows = Rows(features, pool, chosen) if device == "cpu" else DeviceRows(features, pool, chosen, device)
        if not (largest := rows.largest()) <= LARGEST:  # NaN is not either
            raise BadInputError(f"the features hold values such as {largest:g}: is the checkpoint sound?")
    positive = classes[1:] if len(classes) == 2 else classes
    signs = np.where(labels[:, None] == positive, np.float32(1), np.float32(-1))  # (N, K)
    path = Path(rows, signs, shares[:, None], 0.0 if free_intercept else 1.0)
    for C in sorted(set(grid)):
        with threads() as pool:
            rows.pool = pool
            W, reached = path.step(C, gap)
        yield L2SVM(np.ascontiguousarray(W[:-1].T), W[-1].copy(), classes, reached, C, rows.readings)
