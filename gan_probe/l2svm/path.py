"""The order in which a fit tries its means, and what it carries from one C to the next."""

from __future__ import annotations

import numpy as np

from gan_probe.l2svm.newton import Problem, exactly, iteratively, newton
from gan_probe.l2svm.rows import Rows
from gan_probe.l2svm.subspace import Grown, Spanned, inverse

FEW_FEATURES = 512  # up to which there is nothing to reduce
FEW_ROWS = 2048  # up to which their products with each other stand in for the features
ROWS_A_READING = 64  # all products cost as much as a reading for each so many rows: read as often first, and no more
WITHIN = 0.8  # of the goal, what is asked of the rows' products: rounding takes a little
MOST_DIRECTIONS, MOST_BYTES = 512, 2**28  # of a subspace that grows, and of what the rows make of it
SMALL_PART = 16  # the share of the features' number up to which a subspace costs little beside them
EASIER = 0.03  # of the gap that is left, the part that a subspace's own problem may keep
FINAL = 1e-12  # of the goal, in double precision: Newton's last step arrives, for a loss of quadratic pieces
PATIENCE = 12  # growths without progress


class Path:
    """Fits of one problem for rising values of C, in single precision until it ends, then in double."""

    def __init__(self, X: Rows, signs: np.ndarray, shares: np.ndarray, penalty: float) -> None:
        """Signs (n, K), shares (n, 1): the rows' weights; `penalty` of the squared intercept, 1 or 0."""
        self.X, self.signs, self.shares, self.penalty = X, signs, shares, penalty
        self.few_features = X.width <= FEW_FEATURES
        double = self.few_features and X.features.dtype == np.float64
        self.W = np.zeros((X.width + 1, signs.shape[1]), np.float64 if double else np.float32)
        self.space: Grown | None = None
        self.outgrown = False
        self.A = np.zeros((1, signs.shape[1]), np.float32)  # W within the subspace
        self.spans = not self.few_features and len(X) <= FEW_ROWS and 2 * len(X) <= X.width
        self.among: tuple[Spanned, Path] | None = None  # the rows' span, and the path there
        directions = max(MOST_DIRECTIONS, X.width // SMALL_PART)
        self.most = min(directions, max(32, MOST_BYTES // (4 * len(X))), len(X), X.width)
        self._gram: np.ndarray | None = None

    def step(self, C: float, goal: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights (F + 1, K) and gaps (K,) for this C, at least the one before."""
        problem = Problem(self.signs, self.W.dtype.type(C) * self.shares, self.penalty)
        if not self.few_features and not self.outgrown:
            gap, self.outgrown = self._by_growth(problem, C, goal)
            if (gap <= goal).all() and not self.outgrown:
                return self.W, gap
        if self.spans:
            found = self._among_rows(problem, C, goal)
            if found is not None:
                return found
            self.spans = False  # rows that depend on each other are no basis
        return self._in_whole_space(problem, C, goal)

    def _among_rows(self, problem: Problem, C: float, goal: float) -> tuple[np.ndarray, np.ndarray] | None:
        """The optimum lies in the span of the rows, which are fewer; None where that is not told well enough."""
        for dtype in (np.float32, np.float64):
            if self.among is None or self.among[0].coordinates.dtype.itemsize < dtype().itemsize:
                span = Spanned.by(self.X, dtype)
                if span is None:
                    return None
                self.among = span, Path(Rows(span.coordinates, self.X.pool), self.signs, self.shares, self.penalty)
            span, path = self.among
            path.X.pool = self.X.pool
            A, _ = path.step(C, WITHIN * goal)
            W = span.weights(self.X, A)
            margins = problem.signs * self.X.forward(W)
            gap = problem.gap(problem.penalised(W) - self.X.backward(problem.pull(margins)), W, margins)
            if (gap <= goal).all():
                return W, gap
        return None

    def _by_growth(self, problem: Problem, C: float, goal: float) -> tuple[np.ndarray, bool]:
        """Improve `W` within the subspace while that may grow; returns the gaps, and whether it is outgrown."""
        if self.space is None:
            self.space = Grown.empty(self.X, self.shares, np.float32)
        space = self.space
        if space.size >= self.most:
            return np.full(self.W.shape[1], np.inf), True
        gap, best, waited = np.ones(self.W.shape[1]), np.full(2, np.inf), 0
        while True:
            small = Rows(space.coordinates, self.X.pool)
            self.A, margins, _ = newton(
                small,
                problem,
                self.A,
                iteratively(lambda share: inverse(space.gram, self.penalty, 2 * C * share)),
                max(EASIER * float(gap.max()), goal / 5),
            )
            self.W = space.weights(self.X, self.A)
            gradient = problem.penalised(self.W) - self.X.backward(problem.pull(margins))
            gap = problem.gap(gradient, self.W, margins)
            if (gap <= goal).all():
                return gap, False
            if self.spans and self.X.readings * ROWS_A_READING >= len(self.X):
                return gap, True
            now = np.array([gap.max(), problem.objective(self.W, margins).sum()])
            waited = 0 if (now < best * (0.7, 1 - 1e-3)).any() else waited + 1
            best = np.minimum(best, now)
            room = self.most - space.size
            if room <= 0 or waited == PATIENCE:
                return gap, True
            wanted = np.argsort(-gap)[: min(room, int((gap > goal).sum()))]
            new = space.grow(self.X, self.shares, gradient[:-1, wanted])
            if not new:
                return gap, True
            self.A = np.insert(self.A, [len(self.A) - 1] * new, 0, axis=0)

    def _in_whole_space(self, problem: Problem, C: float, goal: float) -> tuple[np.ndarray, np.ndarray]:
        if self.space is not None:
            solver = exact = iteratively(self.space.preconditioner(self.penalty, C))
        else:
            gram = self._gram = self.X.gram(self.shares) if self._gram is None else self._gram
            solver, exact = iteratively(lambda share: inverse(gram, self.penalty, 2 * C * share)), exactly
        gap = np.full(self.W.shape[1], np.inf)
        if self.W.dtype == np.float32:
            self.W, _, gap = newton(self.X, problem, self.W, solver, goal)
        if (gap <= goal).all():
            return self.W, gap
        # next to a hard margin, single precision cannot see the gradient any more
        W, _, gap = newton(self.X, problem.in_precision(np.float64), self.W.astype(np.float64), exact, goal * FINAL)
        self.W = W.astype(self.W.dtype)
        return W, gap
