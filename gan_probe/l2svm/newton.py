"""Newton's method for the L2-SVM, all classes at once, each step solved by preconditioned conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from gan_probe.l2svm.rows import Rows

NEWTON_STEPS = 100
PATIENCE = 5  # Newton steps without progress, after which precision is at its end
CG_STEPS = 400
FORCING = 0.1  # a step's residual against its target, in the preconditioned norm
Product = Callable[[np.ndarray], np.ndarray]
Outcome = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Signs (n, K) of -1 and 1, costs (n, 1) of the rows' losses, and what the squared intercept costs: 1 or 0."""

    signs: np.ndarray
    costs: np.ndarray
    penalty: float

    def columns(self, kept: np.ndarray) -> Problem:
        """The problem of some classes only."""
        return Problem(self.signs[:, kept], self.costs, self.penalty)

    def in_precision(self, dtype: type) -> Problem:
        """The same numbers in another precision."""
        return Problem(self.signs.astype(dtype), self.costs.astype(dtype), self.penalty)

    def pull(self, margins: np.ndarray) -> np.ndarray:
        """What the rows pull at the weights with: the gradient is the weights less X' pull."""
        pull: np.ndarray = 2 * self.costs * self.signs * np.maximum(0, 1 - margins)
        return pull

    def objective(self, W: np.ndarray, margins: np.ndarray) -> np.ndarray:
        """Of each class, (K,)."""
        slack = np.maximum(0, 1 - margins)
        value: np.ndarray = 0.5 * dot(W, self.penalised(W)) + dot(self.costs * slack, slack)
        return value

    def penalised(self, W: np.ndarray) -> np.ndarray:
        """W less what of the intercept is free: the gradient of the penalty."""
        return np.vstack([W[:-1], W[-1:] * W.dtype.type(self.penalty)])

    def gap(self, gradient: np.ndarray, W: np.ndarray, margins: np.ndarray) -> np.ndarray:
        """The bound (K,) of the relative distance to the optimum."""
        bound = dot(gradient[:-1], gradient[:-1])
        # nothing but the rows inside the margin holds a free intercept
        held = 1.0 if self.penalty else 2 * dot(self.costs * (margins < 1), np.ones_like(margins))
        bound += gradient[-1].astype(np.float64) ** 2 / np.maximum(held, 1e-30)
        share: np.ndarray = 0.5 * bound / np.maximum(self.objective(W, margins), 1e-30)
        return share


Solver = Callable[[Rows, Problem, np.ndarray, np.ndarray], np.ndarray]  # of a Newton step


def newton(X: Rows, problem: Problem, W: np.ndarray, solver: Solver, goal: float) -> Outcome:
    """Weights (F + 1, K), margins (n, K) and gaps (K,), in the precision of `W`."""
    W = W.copy()
    margins = problem.signs * X.forward(W)
    gap = np.full(W.shape[1], np.inf)
    best, waited = np.full(2, np.inf), 0
    for _ in range(NEWTON_STEPS):
        gradient = problem.penalised(W) - X.backward(problem.pull(margins))
        gap = problem.gap(gradient, W, margins)
        open_ = np.flatnonzero(gap > goal)  # classes that are done drop out of the products
        # the gap may rise on the way while the objective falls: only a halt of both is a halt
        now = np.array([gap.max(), problem.objective(W, margins).sum()])
        waited = 0 if (now < best * (0.9, 1 - 1e-4)).any() else waited + 1
        best = np.minimum(best, now)
        if len(open_) == 0 or waited == PATIENCE:
            break
        mine = problem.columns(open_)
        bends = 2 * mine.costs * (margins[:, open_] < 1)  # (n, K): the losses' second derivatives
        step = solver(X, problem, bends, -gradient[:, open_])
        change = mine.signs * X.forward(step)
        length = line_search(mine, W[:, open_], step, margins[:, open_], change)
        W[:, open_] += length * step
        margins[:, open_] += length * change
    return W, margins, gap


def iteratively(precondition: Callable[[float], Product]) -> Solver:
    """By conjugate gradients; `precondition` roughly inverts the Hessian for a share of costs inside the margin."""

    def solve(X: Rows, problem: Problem, bends: np.ndarray, target: np.ndarray) -> np.ndarray:
        def hessian(V: np.ndarray) -> np.ndarray:
            bent: np.ndarray = problem.penalised(V) + X.curvature(bends, V)
            return bent

        share = float(bends.mean() / (2 * problem.costs.mean()))
        return conjugate_gradients(hessian, target, precondition(share))

    return solve


def exactly(X: Rows, problem: Problem, bends: np.ndarray, target: np.ndarray) -> np.ndarray:
    """By each class' own Hessian, for few features: no preconditioner knows which rows a class has inside."""
    steps = []
    for k in range(target.shape[1]):
        matrix = X.gram(bends[:, k : k + 1])
        matrix[np.diag_indices_from(matrix)] += [*[1.0] * X.width, max(problem.penalty, 1e-9)]
        steps.append(cho_solve(cho_factor(matrix), target[:, k]))
    return np.stack(steps, 1).astype(target.dtype)


def conjugate_gradients(hessian: Product, target: np.ndarray, precondition: Product) -> np.ndarray:
    """Solve hessian(V) = target roughly: a Newton step is soon overtaken by the next one."""
    V = np.zeros_like(target)
    residual = target.copy()
    image = precondition(residual)
    direction = image.copy()
    norm = dot(residual, image)
    goal = norm * FORCING**2
    for _ in range(CG_STEPS):
        going = norm > goal
        if not going.any():
            break
        bent = hessian(direction)
        # a column that has arrived stands still while the others go on
        length = np.where(going, norm / np.maximum(dot(direction, bent), 1e-30), 0).astype(target.dtype)
        V += length * direction
        residual -= length * bent
        image = precondition(residual)
        before, norm = norm, dot(residual, image)
        direction = image + np.where(going, norm / np.maximum(before, 1e-30), 0).astype(target.dtype) * direction
    return V


def line_search(
    problem: Problem, W: np.ndarray, step: np.ndarray, margins: np.ndarray, change: np.ndarray
) -> np.ndarray:
    """The best length (K,) of each column's step: the root of a slope that is increasing and piecewise linear."""
    straight = problem.penalised(step)
    linear, square = dot(W, straight), dot(step, straight)
    length = np.ones(W.shape[1])
    low, high = np.zeros_like(length), np.full_like(length, np.inf)
    weighed = problem.costs * change
    for _ in range(30):
        slack = 1 - margins - length.astype(W.dtype) * change
        slope = linear + length * square - 2 * dot(np.maximum(slack, 0), weighed)
        curve = square + 2 * dot(change * (slack > 0), weighed)
        if (np.abs(slope) <= 1e-4 * np.abs(linear) + 1e-30).all():
            break
        low, high = np.where(slope < 0, length, low), np.where(slope > 0, length, high)
        newton = length - slope / np.maximum(curve, 1e-30)
        middle = np.where(np.isfinite(high), (low + high) / 2, 2 * length)
        length = np.where((newton > low) & (newton < high), newton, middle)
    return length.astype(W.dtype)


def dot(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Column by column, in double precision."""
    product: np.ndarray = np.einsum("nk,nk->k", A, B, dtype=np.float64)
    return product
