"""Directions in latent space, against scikit-learn, SciPy and planted truths."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from gan_probe.directions import ganspace, random_directions, sefa


def rotation(size, rng):
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def cosines(first, second):
    return np.abs(np.sum(first * second, axis=1))


def test_sefa_finds_the_axes_that_were_stretched_strongest_first(rng):
    axes, stretch = rotation(12, rng), np.array([9, 7, 5, 3, *[1.0] * 8])
    weight = rotation(40, rng)[:, :12] * stretch @ axes.T
    found = sefa(weight, 4)
    np.testing.assert_allclose(cosines(found.vectors, axes.T[:4]), 1, rtol=1e-6)
    np.testing.assert_allclose(found.explained, stretch[:4] ** 2 / (stretch**2).sum())


def test_sefa_agrees_with_the_singular_vectors_of_the_weight(rng):
    weight = rng.standard_normal((30, 10))
    _, values, rows = scipy.linalg.svd(weight)
    found = sefa(weight.astype(np.float32), 10)
    np.testing.assert_allclose(cosines(found.vectors, rows), 1, rtol=1e-4)
    np.testing.assert_allclose(found.explained, values**2 / (values**2).sum(), rtol=1e-4)


@pytest.mark.parametrize(("n", "features"), [(300, 20), (40, 200)])
def test_ganspace_agrees_with_pca_and_a_regression_on_its_coordinates(n, features, rng):
    z = rng.standard_normal((n, 8))
    seen = np.tanh(z @ rng.standard_normal((8, features)))
    pca = PCA(3, svd_solver="full").fit(seen)
    slopes = LinearRegression().fit(pca.transform(seen), z).coef_.T  # (3, 8)
    found = ganspace(seen.astype(np.float32), z, 3)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(cosines(found.vectors, slopes / np.linalg.norm(slopes, axis=1)[:, None]), 1, rtol=1e-4)


def test_ganspace_finds_the_planted_direction_and_not_in_features_of_another_latent(rng):
    axis = rotation(10, rng)[0]
    z, other = rng.standard_normal((2, 2000, 10))
    seen = np.maximum(np.outer(z @ axis, rng.standard_normal(30)), 0) + 0.1 * rng.standard_normal((2000, 30))
    assert abs(ganspace(seen, z, 1).vectors[0] @ axis) > 0.99
    assert abs(ganspace(seen, other, 1).vectors[0] @ axis) < 0.9


def test_directions_have_length_one_and_point_one_way(rng):
    weight = rng.standard_normal((30, 10))
    for vectors in (sefa(weight, 5).vectors, random_directions(50, 10, rng)):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
        assert (np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], 1) > 0).all()
    np.testing.assert_allclose(sefa(-weight, 5).vectors, sefa(weight, 5).vectors)


def test_what_gives_no_directions_is_refused(refused):
    assert "1 to 4" in refused(sefa, np.ones((4, 10)), 5)
    assert "finite" in refused(sefa, np.full((4, 4), np.nan), 1)
    assert "do not vary" in refused(ganspace, np.ones((20, 5)), np.ones((20, 5)), 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
