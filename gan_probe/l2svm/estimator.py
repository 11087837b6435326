"""The L2-SVM as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from gan_probe.l2svm import GAP, fit
from gan_probe.l2svm.rows import Rows, threads

if TYPE_CHECKING:
    from typing import Self


class L2SVMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A linear classifier with squared hinge loss, one class against the rest: LinearSVC's problem, solved faster.

    `C` weighs the sum of losses against half the squared norm; `tol` bounds the relative distance of each class'
    objective to its optimum; `free_intercept` leaves the intercept out of the norm, which LinearSVC cannot; `device`
    other than "cpu" multiplies through torch. Attributes: `coef_` (K, F), `intercept_` (K,), `classes_`, `gap_` (K,).
    Features are read in single precision, except for few features (at most 512) given in double.
    """

    def __init__(self, C: float = 1.0, *, tol: float = GAP, free_intercept: bool = False, device: str = "cpu") -> None:
        self.C = C
        self.tol = tol
        self.free_intercept = free_intercept
        self.device = device

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit on features X (N, F) and labels y (N,), with weights (N,) of the rows; ValueError for what no fit has."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64], order="C")
        check_classification_targets(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("This solver needs samples of at least 2 classes, but the data contains one class")
        if not self.C > 0 or not self.tol > 0:
            raise ValueError("C and tol must be above 0")
        svm = fit(
            X, labels, self.C, weights=weights, free_intercept=self.free_intercept, gap=self.tol, device=self.device
        )
        self.coef_, self.intercept_, self.gap_ = svm.coef, svm.intercept, svm.gap
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Margins (N, K), or (N,) for two classes, of features (N, F)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float32, np.float64], order="C", reset=False)
        with threads() as pool:
            margins = Rows(X, pool).forward(np.vstack([self.coef_.T, self.intercept_]))
        return margins[:, 0] if len(self.classes_) == 2 else margins

    def predict(self, X: Any) -> np.ndarray:
        """The class (N,) of each row of features (N, F)."""
        margins = self.decision_function(X)
        chosen = (margins > 0).astype(int) if margins.ndim == 1 else margins.argmax(1)
        predicted: np.ndarray = self.classes_[chosen]
        return predicted
