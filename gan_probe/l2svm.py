"""The L2-SVM of the paper's probes: squared hinge loss, one class against the rest, intercept regularised."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from gan_probe.errors import BadInputError


@dataclass(frozen=True)
class L2SVM:
    """A fitted classifier: `coef` (K, F) and `intercept` (K,), one row a class.

    With two classes there is one row, positive for the second, as in scikit-learn. `converged` says whether the
    optimum was reached.
    """

    coef: np.ndarray
    intercept: np.ndarray
    classes: np.ndarray
    converged: bool

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class (N,) of each row of features (N, F)."""
        margins = features @ self.coef.T.astype(features.dtype) + self.intercept.astype(features.dtype)
        binary = len(self.classes) == 2
        chosen = (margins[:, 0] > 0).astype(int) if binary else margins.argmax(1)
        predicted: np.ndarray = self.classes[chosen]
        return predicted


def fit(features: np.ndarray, labels: np.ndarray, C: float, *, seed: int = 0) -> L2SVM:
    """Fit on features (N, F) and integer labels (N,); C weighs the sum of losses against half the squared norm.

    liblinear's dual coordinate descent through scikit-learn, whose primal is several times slower here. Raises
    BadInputError for fewer than two classes or features that are not finite.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    if len(np.unique(labels)) < 2:
        raise BadInputError("a classifier needs at least two classes in its training labels")
    if not np.isfinite(features).all():
        raise BadInputError("the features hold NaN or infinite values: is the checkpoint sound?")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        svm = LinearSVC(C=C, loss="squared_hinge", dual=True, random_state=seed, max_iter=2000).fit(features, labels)
    return L2SVM(
        svm.coef_,
        svm.intercept_,
        svm.classes_,
        not any(issubclass(w.category, ConvergenceWarning) for w in caught),
    )
