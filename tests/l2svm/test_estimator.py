"""The estimator against scikit-learn's own conformance suite, and against LinearSVC."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from gan_probe.l2svm.estimator import L2SVMClassifier


@parametrize_with_checks([L2SVMClassifier()])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def planted(n, seed, classes=4, features=60):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    centres = np.random.default_rng(99).normal(size=(classes, features))
    return rng.normal(size=(n, features)) * 2 + centres[labels], np.array(["a", "b", "c", "d"])[labels]


def test_margins_and_classes_are_linear_svcs():
    (X, y), (fresh, _) = planted(400, 0), planted(2000, 1)
    ours = L2SVMClassifier(C=0.01).fit(X, y)
    theirs = LinearSVC(C=0.01, tol=1e-12, max_iter=1_000_000, dual=False).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(fresh), theirs.decision_function(fresh), atol=1e-5)
    assert (ours.predict(fresh) == theirs.predict(fresh)).all()


def test_weights_of_rows_are_linear_svcs():
    X, y = planted(300, 2)
    weights = np.random.default_rng(0).exponential(size=300)
    ours = L2SVMClassifier(C=0.02).fit(X, y, weights)
    theirs = LinearSVC(C=0.02, tol=1e-12, max_iter=1_000_000, dual=False).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4 * np.abs(theirs.coef_).max())


def test_a_free_intercept_does_not_mind_where_the_features_lie():
    X, y = planted(300, 3)
    here, there = (L2SVMClassifier(C=0.01, free_intercept=True).fit(X + shift, y) for shift in (0, 50))
    np.testing.assert_allclose(here.coef_, there.coef_, atol=1e-6)
    bound = L2SVMClassifier(C=0.01).fit(X, y), L2SVMClassifier(C=0.01).fit(X + 50, y)
    assert np.abs(bound[0].coef_ - bound[1].coef_).max() > 1e-4
