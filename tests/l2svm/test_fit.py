"""The L2-SVM against the float64 optimum of its own objective."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from gan_probe import BadInputError, l2svm


def blobs(seed=0, n=120, classes=3, features=5):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return (rng.normal(size=(n, features)) + 1.5 * rng.normal(size=(classes, features))[labels]).astype(
        np.float32
    ), labels


def objective(weights, features, signs, C):
    margin = 1 - signs * (features @ weights[:-1] + weights[-1])
    return 0.5 * weights @ weights + C * (np.maximum(margin, 0) ** 2).sum()


def slope(weights, features, signs, C):
    pull = signs * np.maximum(1 - signs * (features @ weights[:-1] + weights[-1]), 0)
    return weights - 2 * C * np.append(features.T @ pull, pull.sum())


@pytest.mark.parametrize("C", [1e-4, 0.05, 30.0])
@pytest.mark.parametrize("n", [120, 30])
def test_weights_reach_the_float64_optimum_with_a_regularised_intercept(C, n):
    features, labels = blobs(n=n, features=40)
    svm = l2svm.fit(features, labels, C=C)
    assert (svm.gap <= l2svm.GAP).all()
    for k in range(3):
        signs = np.where(labels == k, 1.0, -1.0)
        wide = features.astype(np.float64)
        best = minimize(objective, np.zeros(41), (wide, signs, C), jac=slope, tol=1e-12).fun
        ours = objective(np.append(svm.coef[k], svm.intercept[k]).astype(np.float64), wide, signs, C)
        assert ours == pytest.approx(best, rel=2e-6)


@pytest.mark.parametrize("classes", [2, 5])
def test_predictions_equal_those_of_a_tight_linear_svc(classes):
    # strongly correlated columns, as pooled activations are
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=400)
    mixing = rng.normal(size=(30, 120)) + 3
    wide = (rng.normal(size=(400, 30)) + rng.normal(size=(classes, 30))[labels]) @ mixing
    features = wide.astype(np.float32)
    ours = l2svm.fit(features, labels, C=1e-3)
    theirs = LinearSVC(C=1e-3, tol=1e-10, max_iter=100_000, dual=False).fit(wide, labels)
    fresh = (rng.normal(size=(2000, 30)) + rng.normal(size=(classes, 30))[rng.integers(classes, size=2000)]) @ mixing
    assert (ours.predict(fresh.astype(np.float32)) == theirs.predict(fresh)).mean() >= 0.999
    np.testing.assert_allclose(ours.coef, theirs.coef_, atol=2e-3 * np.abs(theirs.coef_).max())


def test_a_path_gives_upwards_what_single_fits_give():
    features, labels = blobs()
    for C, along in zip([0.001, 0.1, 1.0], l2svm.fit_path(features, labels, [0.1, 0.001, 1.0]), strict=True):
        alone = l2svm.fit(features, labels, C)
        assert along.C == alone.C == C
        np.testing.assert_allclose(along.coef, alone.coef, atol=2e-3 * np.abs(alone.coef).max())


def test_prediction_is_the_class_of_the_largest_margin():
    features, labels = blobs()
    svm = l2svm.fit(features, labels, C=0.05)
    margins = features.astype(np.float64) @ svm.coef.T + svm.intercept
    assert (svm.predict(features) == margins.argmax(1)).mean() > 0.99


def test_two_classes_have_one_row_and_keep_their_names():
    features, labels = blobs(classes=2)
    svm = l2svm.fit(features, labels + 4, C=0.1)
    assert svm.coef.shape == (1, 5)
    assert set(svm.predict(features)) == {4, 5}


def test_shuffled_labels_are_at_chance():
    features, labels = blobs(n=600)
    shuffled = np.random.default_rng(0).permutation(labels)
    svm = l2svm.fit(features[:300], shuffled[:300], C=0.05)
    assert (svm.predict(features[300:]) == shuffled[300:]).mean() < 0.45


def test_one_class_is_refused():
    with pytest.raises(BadInputError, match="two classes"):
        l2svm.fit(np.zeros((4, 2), np.float32), np.zeros(4, int), C=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e18])
def test_features_that_no_sound_network_gives_are_refused(value):
    with pytest.raises(BadInputError, match="checkpoint sound"):
        l2svm.fit(np.array([[value], [1.0]], np.float32), np.array([0, 1]), C=1)


@pytest.mark.parametrize(
    ("scale", "shift", "C"), [(1, 0, 1e4), (1e4, 0, 1e-2), (1, 1000, 1e-2), (1e4, 1e4, 1e-3), (1e-4, 0, 1.0)]
)
def test_the_optimum_is_reached_at_any_scale(scale, shift, C):
    rng = np.random.default_rng(3)
    labels = rng.integers(5, size=300)
    clean = rng.normal(size=(300, 50)) + 0.7 * rng.normal(size=(5, 50))[labels]
    features = (clean * scale + shift).astype(np.float32)
    svm = l2svm.fit(features, labels, C=C)
    assert (svm.gap <= l2svm.GAP).all()
    wide = np.hstack([features.astype(np.float64), np.ones((300, 1))])
    for k in range(5):
        signs = np.where(labels == k, 1.0, -1.0)
        ours = np.append(svm.coef[k], svm.intercept[k]).astype(np.float64)
        best = newton(wide, signs, C)
        assert objective(ours, wide[:, :-1], signs, C) <= objective(best, wide[:, :-1], signs, C) * (1 + 1e-5)


def newton(wide, signs, C):
    """Chapelle's Newton iteration in double precision, with a halved step where the whole one fails."""
    weights = np.zeros(wide.shape[1])
    for _ in range(500):
        active = signs * (wide @ weights) < 1
        rows = wide[active]
        hessian = np.eye(len(weights)) + 2 * C * rows.T @ rows
        step = np.linalg.solve(hessian, 2 * C * rows.T @ signs[active]) - weights
        value, length = objective(weights, wide[:, :-1], signs, C), 1.0
        while objective(weights + length * step, wide[:, :-1], signs, C) > value and length > 1e-12:
            length /= 2
        weights = weights + length * step
        if np.linalg.norm(length * step) <= 1e-12 * np.linalg.norm(weights):
            break
    return weights


def test_the_number_of_threads_has_no_influence():
    features, labels = blobs(n=2000, features=64)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(l2svm.fit(features, labels, C=0.01))
    np.testing.assert_array_equal(fits[0].coef, fits[1].coef)


def correlated(n, features, classes=4, seed=0):
    """Features as a network gives them: a few strong directions, a long tail, and a mean far from zero."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    strengths = 3.0 / np.arange(1, 201) ** 0.7
    hidden = rng.normal(size=(n, 200)) * strengths + 0.5 * np.random.default_rng(7).normal(size=(classes, 200))[labels]
    mixing = np.random.default_rng(8).normal(size=(200, features)) / 4
    return (hidden @ mixing + 0.2 * rng.normal(size=(n, features)) + 0.5).astype(np.float32), labels


# a subspace that grows; one outgrown (C next to a hard margin), and the rows' own span
@pytest.mark.parametrize(
    ("n", "features", "C"), [(900, 700, 1e-3), (900, 700, 3.0), (150, 700, 1e-2), (150, 700, 10.0)]
)
@pytest.mark.parametrize("free", [False, True])
def test_every_way_to_the_optimum_arrives(n, features, C, free):
    X, labels = correlated(n, features)
    weights = np.random.default_rng(1).exponential(size=n).astype(np.float32)
    svm = l2svm.fit(X, labels, C, weights=weights, free_intercept=free)
    assert (svm.gap <= l2svm.GAP).all()
    wide = X.astype(np.float64)
    for k in range(4):
        signs = np.where(labels == k, 1.0, -1.0)

        def value(w, signs=signs):
            slack = np.maximum(0, 1 - signs * (wide @ w[:-1] + w[-1]))
            pull = 2 * C * weights * signs * slack
            penalty = w * np.append(np.ones(features), 0.0 if free else 1.0)
            return 0.5 * w @ penalty + C * weights @ slack**2, penalty - np.append(wide.T @ pull, pull.sum())

        ours = np.append(svm.coef[k], svm.intercept[k]).astype(np.float64)
        options = {"maxiter": 3000, "maxcor": 50, "ftol": 1e-15, "gtol": 1e-10, "maxfun": 10_000}
        best = minimize(value, ours, jac=True, method="L-BFGS-B", options=options).fun
        assert value(ours)[0] <= best * (1 + 3e-6)


def test_rows_that_repeat_each_other_are_no_obstacle():
    X, labels = correlated(150, 700)
    once = l2svm.fit(X, labels, 1e-2, weights=np.full(150, 2.0))
    twice = l2svm.fit(np.repeat(X, 2, axis=0), np.repeat(labels, 2), 1e-2)
    assert (twice.gap <= l2svm.GAP).all()
    np.testing.assert_allclose(once.coef, twice.coef, atol=2e-3 * np.abs(once.coef).max())


def test_few_rows_are_read_a_few_times_for_any_number_of_values():
    X, labels = correlated(150, 700)
    path = list(l2svm.fit_path(X, labels, [1e-4, 1e-3, 1e-2, 1e-1]))
    assert path[-1].readings <= 6 + 3 * len(path)
    for along in path:
        alone = l2svm.fit(X, labels, along.C)
        np.testing.assert_allclose(along.coef, alone.coef, atol=2e-3 * np.abs(alone.coef).max())


def test_the_gap_is_no_smaller_than_the_distance_to_the_optimum():
    X, labels = correlated(900, 700)
    best = l2svm.fit(X, labels, 1e-3, gap=1e-9)
    for gap in (1e-2, 1e-4):
        svm = l2svm.fit(X, labels, 1e-3, gap=gap)
        for k in range(4):
            signs = np.where(labels == k, 1.0, -1.0)
            at, least = (
                objective(np.append(m.coef[k], m.intercept[k]).astype(float), X.astype(float), signs, 1e-3)
                for m in (svm, best)
            )
            assert at / least - 1 <= svm.gap[k] + 1e-7
            assert svm.gap[k] <= gap


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_rows_in_a_memory_mapped_file_give_what_rows_in_memory_do(tmp_path, kind):
    X, labels = correlated(1300, 700)
    X = X.astype(kind)
    np.save(tmp_path / "features.npy", X)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    chosen = np.sort(np.random.default_rng(0).choice(1300, 1000, replace=False))
    here = l2svm.fit(X.astype(np.float32)[chosen], labels[chosen], 1e-3)
    there = l2svm.fit(mapped, labels, 1e-3, chosen=chosen)
    np.testing.assert_array_equal(here.coef, there.coef)
    np.testing.assert_array_equal(here.predict(X.astype(np.float32)), there.predict(mapped))


def test_chosen_rows_are_read_in_place_where_they_are_many(monkeypatch):
    from gan_probe.l2svm import rows

    X, labels = correlated(1300, 700)
    chosen = np.arange(0, 1300, 2)
    copied = l2svm.fit(X, labels, 1e-3, chosen=chosen)
    monkeypatch.setattr(rows, "GATHERED_BYTES", 0)
    np.testing.assert_array_equal(l2svm.fit(X, labels, 1e-3, chosen=chosen).coef, copied.coef)


def test_torch_multiplies_where_a_device_is_named():
    X, labels = correlated(1300, 700)
    here, there = (l2svm.fit(X, labels, 1e-3, device=device) for device in ("cpu", "cpu:0"))
    assert (there.gap <= l2svm.GAP).all()
    np.testing.assert_allclose(here.coef, there.coef, atol=2e-3 * np.abs(here.coef).max())


def test_blocks_that_begin_at_the_same_row_are_kept_apart_on_a_device(monkeypatch):
    from gan_probe.l2svm import rows

    monkeypatch.setattr(rows, "DEVICE_BYTES", 0)  # blocks of fewer rows than there are, as wide features have
    X, labels = correlated(1300, 700)
    here, there = (l2svm.fit(X, labels, 1e-3, device=device) for device in ("cpu", "cpu:0"))
    np.testing.assert_allclose(here.coef, there.coef, atol=2e-3 * np.abs(here.coef).max())


def test_a_weight_of_two_is_a_row_twice_and_of_none_a_row_left_out():
    X, labels = blobs(n=200)
    weights = np.random.default_rng(0).integers(0, 3, size=200)
    rows = np.repeat(np.arange(200), weights)
    weighed, repeated = l2svm.fit(X, labels, 0.05, weights=weights), l2svm.fit(X[rows], labels[rows], 0.05)
    np.testing.assert_allclose(weighed.coef, repeated.coef, atol=2e-3 * np.abs(repeated.coef).max())


@pytest.mark.parametrize("weights", [-np.ones(30), np.full(30, np.nan), np.zeros(30)])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(BadInputError, match="weights"):
        l2svm.fit(*blobs(n=30), C=1, weights=weights)


def test_few_readings_of_the_features_are_enough():
    X, labels = correlated(3000, 700)
    assert l2svm.fit(X, labels, 1e-4, gap=1e-4).readings <= 40
