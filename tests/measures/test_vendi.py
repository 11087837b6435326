"""The Vendi score against its definition, and on sets of known variety."""

import numpy as np
import pytest
from scipy.linalg import eigvalsh
from sklearn.metrics.pairwise import cosine_similarity

from gan_probe.measures.vendi import vendi_score


def by_definition(features):
    shares = eigvalsh(cosine_similarity(features.astype(np.float64)) / len(features))
    shares = shares[shares > 1e-12]
    return np.exp(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize(("n", "dimensions"), [(40, 5), (40, 100), (2, 3)])
@pytest.mark.parametrize("shift", [0, 3])
def test_it_is_the_exponential_of_the_eigenvalues_entropy(n, dimensions, shift):
    features = np.random.default_rng(0).normal(shift, 1, (n, dimensions)).astype(np.float32)
    assert vendi_score(features).value == pytest.approx(by_definition(features), rel=1e-5)


def test_equal_samples_count_once_and_orthogonal_ones_each():
    assert vendi_score(np.ones((50, 4), np.float32)).value == pytest.approx(1)
    assert vendi_score(np.zeros((50, 4), np.float32)).value == pytest.approx(1)
    whole = vendi_score(np.eye(30, dtype=np.float32))
    assert (whole.value, whole.high) == (pytest.approx(30), pytest.approx(30))
    assert vendi_score(np.repeat(7 * np.eye(3, dtype=np.float32), 20, 0)).value == pytest.approx(3)
    black = np.concatenate([np.zeros((20, 2)), np.repeat([[1, 0]], 20, 0)]).astype(np.float32)
    assert vendi_score(black).value == pytest.approx(2)  # black images are one more kind, not nothing


def test_lost_modes_lower_it():
    rng = np.random.default_rng(0)
    modes = 10 * np.eye(10) + 1

    def drawn(kept):
        return (modes[rng.integers(kept, size=400)] + rng.normal(size=(400, 10))).astype(np.float32)

    assert vendi_score(drawn(3)).high < vendi_score(drawn(10)).low


def test_the_interval_covers_the_expected_score():
    rng = np.random.default_rng(1)
    scales = 1 / np.arange(1, 9)
    found = [vendi_score((rng.normal(size=(200, 8)) * scales).astype(np.float32)) for _ in range(400)]
    truth = np.mean([f.value for f in found])
    assert 0.92 <= np.mean([f.low <= truth <= f.high for f in found]) <= 0.98


def test_what_has_no_variety_to_measure_is_refused(refused):
    assert "at least two" in refused(vendi_score, np.ones((1, 3), np.float32))
    assert "NaN" in refused(vendi_score, np.full((5, 3), np.nan, np.float32))
