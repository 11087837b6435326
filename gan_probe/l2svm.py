"""The L2-SVM of the paper's probes: squared hinge loss, one class against the rest, intercept regularised.

All classes are fitted at once by Newton's method on the primal problem. For each class, with labels y of -1 and 1,

    minimise  1/2 (|w|^2 + b^2) + C sum_i max(0, 1 - y_i (w . x_i + b))^2,

which is liblinear's problem (scikit-learn's LinearSVC with its default intercept_scaling). A Newton step solves
(I + 2 C X' D X) d = -gradient by conjugate gradients, D marking the rows inside the margin; data are touched only
by tall-skinny products that serve all classes together. Features of networks are strongly correlated, so the few
largest eigenvectors of X'X, found once and shared by all classes and all C, precondition the solve. The objective is
1-strongly convex, so half the squared norm of the gradient bounds its distance to the optimum: that bound is where the
iteration stops. (Keerthi and DeCoste 2005, Chapelle 2007; range finder: Halko, Martinsson and Tropp 2011.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from gan_probe.errors import BadInputError

LARGEST = 1e12  # features beyond this are no activations, and their squares would leave single precision
GAP = 1e-6  # relative distance of the objective to its optimum, at most, unless the caller is content with less
NEWTON_STEPS = 100
PATIENCE = 5  # Newton steps without progress, after which precision is at its end
CG_STEPS = 400
FORCING = 0.03  # a step's residual against its target, in the preconditioned norm
EIGENVECTORS = 256
SKETCHED_ROWS = 2500
BLOCK = 256  # rows: they stay in a processor's cache between being multiplied from the right and from the left
Product = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class L2SVM:
    """A fitted classifier: `coef` (K, F) and `intercept` (K,), one row a class.

    With two classes there is one row, positive for the second, as in scikit-learn. `gap` bounds the relative distance
    of each row's objective to its optimum.
    """

    coef: np.ndarray
    intercept: np.ndarray
    classes: np.ndarray
    gap: np.ndarray
    C: float

    def decision(self, features: np.ndarray) -> np.ndarray:
        """Margins (N, K) of features (N, F)."""
        margins: np.ndarray = features @ self.coef.T + self.intercept
        return margins

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class (N,) of each row of features (N, F)."""
        margins = self.decision(features)
        binary = len(self.classes) == 2
        chosen = (margins[:, 0] > 0).astype(int) if binary else margins.argmax(1)
        predicted: np.ndarray = self.classes[chosen]
        return predicted


def fit(features: np.ndarray, labels: np.ndarray, C: float, *, gap: float = GAP) -> L2SVM:
    """Fit on features (N, F) and integer labels (N,); C weighs the sum of losses against half the squared norm.

    `gap` is how near to the optimum, relatively, each row's objective must come. Raises BadInputError for fewer than
    two classes or features that are not finite.
    """
    return next(fit_path(features, labels, [C], gap=gap))


def fit_path(features: np.ndarray, labels: np.ndarray, grid: Sequence[float], *, gap: float = GAP) -> Iterator[L2SVM]:
    """Fits for the values of C in the grid, from the smallest upwards, each computed when it is asked for.

    Each starts from the one before, which changes it within `gap` only. Errors as for `fit`.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        raise BadInputError("a classifier needs at least two classes in its training labels")
    if not (largest := np.abs(features).max(initial=0)) <= LARGEST:  # NaN is not either
        raise BadInputError(f"the features hold values such as {largest:g}: is the checkpoint sound?")
    X = np.ascontiguousarray(features, np.float32)
    positive = classes[1:] if len(classes) == 2 else classes
    signs = np.where(labels[:, None] == positive, np.float32(1), np.float32(-1))  # (N, K)
    with _threads() as pool:
        basis = _largest_eigenvectors(Rows(X, pool))
    W = np.zeros((X.shape[1] + 1, len(positive)), np.float32)  # the last row is the intercept
    for C in sorted(set(grid)):
        with _threads() as pool:
            W, reached = _newton(Rows(X, pool), signs, C, W, basis, gap)
            found = W
            if (reached > gap).any():  # next to a hard margin, single precision cannot see the gradient any more
                exact = signs.astype(np.float64), C, W.astype(np.float64)
                found, reached = _newton(Rows(X, pool), *exact, basis, gap)
                W = found.astype(np.float32)
        yield L2SVM(np.ascontiguousarray(found[:-1].T), found[-1].copy(), classes, reached, C)


class Rows:
    """The features (N, F) with a constant column behind them, which is never stored.

    Blocks of rows are multiplied side by side, each by one thread, and summed in their order: the result does not
    depend on the number of threads, and no thread waits for another at every product, which on a busy machine costs
    more than the product.
    """

    def __init__(self, features: np.ndarray, pool: Executor) -> None:
        self.features = features
        self.pool = pool

    def __len__(self) -> int:
        return len(self.features)

    def forward(self, V: np.ndarray) -> np.ndarray:
        """X V, from (F + 1, K) to (N, K)."""
        return np.concatenate(self._each(lambda rows: self._block(rows, V) @ V[:-1] + V[-1]))

    def backward(self, R: np.ndarray) -> np.ndarray:
        """X' R, from (N, K) to (F + 1, K)."""
        return self._sum(lambda rows: _transposed(self._block(rows, R), R[rows]))

    def curvature(self, weights: np.ndarray, V: np.ndarray) -> np.ndarray:
        """X' (weights * X V), weights (N, K), in one reading of the rows."""

        def part(rows: slice) -> np.ndarray:
            block = self._block(rows, V)
            return _transposed(block, weights[rows] * (block @ V[:-1] + V[-1]))

        return self._sum(part)

    def _block(self, rows: slice, like: np.ndarray) -> np.ndarray:
        return self.features[rows].astype(like.dtype, copy=False)

    def _each(self, part: Callable[[slice], np.ndarray]) -> list[np.ndarray]:
        starts = range(0, len(self), BLOCK)
        return list(self.pool.map(part, [slice(start, start + BLOCK) for start in starts]))

    def _sum(self, part: Callable[[slice], np.ndarray]) -> np.ndarray:
        first, *rest = self._each(part)
        for block in rest:
            first += block
        return first


def _transposed(block: np.ndarray, R: np.ndarray) -> np.ndarray:
    return np.vstack([block.T @ R, R.sum(0, keepdims=True)])


@contextmanager
def _threads() -> Iterator[Executor]:
    """As many threads as the linear algebra would use, which meanwhile runs on one in each of them."""
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max(blas, default=1)) as pool:
        yield pool


Basis = tuple[np.ndarray, np.ndarray]  # eigenvectors (F + 1, M) and eigenvalues (M,) of X'X


def _largest_eigenvectors(X: Rows) -> Basis:
    rng = np.random.default_rng(0)
    n, width = len(X), X.features.shape[1] + 1
    if n > SKETCHED_ROWS:  # a sample shows the large eigenvectors well enough for a preconditioner
        X = Rows(X.features[np.sort(rng.choice(n, SKETCHED_ROWS, replace=False))], X.pool)
    wanted = min(EIGENVECTORS, min(len(X), width) // 8)
    sketch = rng.standard_normal((width, wanted + wanted // 8), np.float32)
    for _ in range(2):  # one power iteration more than the sketch itself
        sketch, _ = np.linalg.qr(X.backward(X.forward(sketch)))
    image = X.forward(sketch)
    values, vectors = np.linalg.eigh(image.T @ image)
    return sketch @ vectors[:, ::-1][:, :wanted], values[::-1][:wanted].clip(0) * (n / len(X))


def _newton(
    X: Rows, signs: np.ndarray, C: float, W: np.ndarray, basis: Basis, goal: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F + 1, K) and gaps (K,), computed in the precision of `W` and `signs`."""
    W = W.copy()
    C = W.dtype.type(C)
    margins = signs * X.forward(W)  # (N, K)
    gap = np.full(W.shape[1], np.inf)
    best, waited = np.full(2, np.inf), 0
    for _ in range(NEWTON_STEPS):
        slack = np.maximum(0, 1 - margins)
        gradient = W - 2 * C * X.backward(signs * slack)
        objective = 0.5 * _dot(W, W) + C * _dot(slack, slack)  # (K,)
        gap = 0.5 * _dot(gradient, gradient) / objective
        open_ = np.flatnonzero(gap > goal)  # classes that are done drop out of the products
        # the gap may rise on the way while the objective falls: only a halt of both is a halt
        now = np.array([gap.max(), objective.sum()])
        waited = 0 if (now < best * (0.9, 1 - 1e-4)).any() else waited + 1
        best = np.minimum(best, now)
        if len(open_) == 0 or waited == PATIENCE:
            break
        inside = (margins[:, open_] < 1).astype(W.dtype)

        def hessian(V: np.ndarray, inside: np.ndarray = inside) -> np.ndarray:
            return V + 2 * C * X.curvature(inside, V)

        step = _conjugate_gradients(hessian, -gradient[:, open_], _preconditioner(basis, C, inside.mean(0)))
        change = signs[:, open_] * X.forward(step)
        length = _line_search(W[:, open_], step, margins[:, open_], change, C)
        W[:, open_] += length * step
        margins[:, open_] += length * change
    return W, gap


def _preconditioner(basis: Basis, C: float, share: np.ndarray) -> Product:
    # as if the rows inside the margin were an even sample of all rows, and all smaller eigenvalues the last one kept
    vectors, values = basis
    if not len(values):
        return lambda R: R
    bent = 1 + 2 * C * share * values[:, None]  # (M, K): eigenvalues of the Hessian
    # single precision does not hold a direction much more than a thousandfold flattened
    shrink = (1 - np.maximum(bent[-1] / bent, 1e-3)).astype(vectors.dtype)

    def apply(R: np.ndarray) -> np.ndarray:
        product: np.ndarray = R - vectors @ (shrink * (vectors.T @ R))
        return product

    return apply


def _conjugate_gradients(hessian: Product, target: np.ndarray, precondition: Product) -> np.ndarray:
    """Solve hessian(V) = target roughly: a Newton step is soon overtaken by the next one."""
    V = np.zeros_like(target)
    residual = target.copy()
    image = precondition(residual)
    direction = image.copy()
    norm = _dot(residual, image)
    goal = norm * FORCING**2
    for _ in range(CG_STEPS):
        going = norm > goal
        if not going.any():
            break
        bent = hessian(direction)
        # a column that has arrived stands still while the others go on
        length = np.where(going, norm / np.maximum(_dot(direction, bent), 1e-30), 0).astype(target.dtype)
        V += length * direction
        residual -= length * bent
        image = precondition(residual)
        before, norm = norm, _dot(residual, image)
        direction = image + np.where(going, norm / np.maximum(before, 1e-30), 0).astype(target.dtype) * direction
    return V


def _line_search(W: np.ndarray, step: np.ndarray, margins: np.ndarray, change: np.ndarray, C: float) -> np.ndarray:
    """The best length (K,) of each column's step: the root of a slope that is increasing and piecewise linear."""
    linear, square = _dot(W, step), _dot(step, step)
    length = np.ones(W.shape[1])
    low, high = np.zeros_like(length), np.full_like(length, np.inf)
    for _ in range(30):
        slack = 1 - margins - length.astype(W.dtype) * change
        inside = np.maximum(slack, 0)
        slope = linear + length * square - 2 * C * _dot(inside, change)
        curve = square + 2 * C * np.einsum("nk,nk->k", change * (slack > 0), change, dtype=np.float64)
        if (np.abs(slope) <= 1e-6 * np.abs(linear) + 1e-30).all():
            break
        low, high = np.where(slope < 0, length, low), np.where(slope > 0, length, high)
        newton = length - slope / np.maximum(curve, 1e-30)
        middle = np.where(np.isfinite(high), (low + high) / 2, 2 * length)
        length = np.where((newton > low) & (newton < high), newton, middle)
    return length.astype(W.dtype)


def _dot(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Column by column, in double precision."""
    product: np.ndarray = np.einsum("nk,nk->k", A, B, dtype=np.float64)
    return product
