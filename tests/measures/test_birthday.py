"""Support by colliding pairs: planted supports are found, and the interval covers them."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from gan_probe.measures.birthday import ENOUGH, FIRST, closest_pairs, support, support_of, twins
from gan_probe.measures.rows import BLOCK, Rows


def of_draws(images):
    """The support that draws speak for, by how often each image (N,) int came."""
    _, inverse, counts = np.unique(images, return_inverse=True, return_counts=True)
    return support(counts[inverse] - 1)


@pytest.mark.parametrize("n", [50, BLOCK + 100])
def test_twins_are_those_that_a_table_of_distances_shows(n):
    rows = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    limit = 2 / n ** (2 / 3)  # of about as many twins whatever n
    near = squareform(pdist(rows.astype(np.float64), "sqeuclidean")) <= limit
    assert near.sum() > n  # there are some
    np.testing.assert_array_equal(twins(Rows(rows), limit), near.sum(1) - 1)


def test_equal_rows_are_twins_at_distance_0_and_others_are_not():
    rows = 1000 + np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    assert twins(Rows(rows), 0.0).sum() == 0
    np.testing.assert_array_equal(twins(Rows(np.concatenate([rows, rows[:5]])), 0.0)[:10], [1] * 5 + [0] * 5)


@pytest.mark.parametrize("planted", [1, 50, 500, 5000])
def test_planted_supports_are_found_within_a_factor_of_two(planted):
    for seed in range(20):
        stream = np.random.default_rng(seed).integers(planted, size=4096)
        images = np.random.default_rng(1).normal(size=(planted, 8)).astype(np.float32)
        found = support_of(lambda n, stream=stream, images=images: images[stream[:n]], 1e-9, 4096)
        assert planted / 2 < found.value < 2 * planted
        assert found.low <= found.value <= found.high


def test_no_more_samples_are_looked_at_than_it_takes():
    asked = []

    def features(n):
        asked.append(n)
        return np.random.default_rng(0).integers(500, size=(4096, 1))[:n].astype(np.float32)

    found = support_of(features, 0.0, 4096)
    assert asked == [FIRST, 2 * FIRST]
    assert found.pairs >= ENOUGH
    assert found.n == 2 * FIRST


def test_without_a_collision_there_is_a_lower_bound_alone():
    found = support_of(lambda n: np.arange(n, dtype=np.float32)[:, None], 0.5, 300)
    assert (found.n, found.pairs, found.value, found.high) == (300, 0, None, None)
    assert found.low == pytest.approx(300 * 299 / 2 / 3.689, rel=1e-3)  # Poisson's 97.5 % bound of none


@pytest.mark.parametrize(("planted", "n"), [(200, 60), (2000, 200), (2000, 600)])
def test_the_interval_covers_the_planted_support(planted, n):
    rng = np.random.default_rng(3)
    found = [of_draws(rng.integers(planted, size=n)) for _ in range(500)]
    covered = np.mean([s.low <= planted and (s.high is None or planted <= s.high) for s in found])
    assert 0.93 <= covered <= 0.995  # Garwood's is exact, hence cautious where collisions are few


def test_unequal_images_count_as_their_inverse_simpson_index_and_the_interval_knows():
    rng = np.random.default_rng(4)
    shares = np.r_[[0.1] * 3, [0.7 / 700] * 700]
    truth = 1 / np.square(shares).sum()
    found = [of_draws(rng.choice(len(shares), size=200, p=shares)) for _ in range(500)]
    covered = np.mean([s.low <= truth <= s.high for s in found])
    # Poisson's own interval, without what pairs of one sample have in common, covers too rarely
    plain = np.mean([abs(s.pairs - 19900 / truth) < 1.96 * np.sqrt(19900 / truth) for s in found])
    assert plain < 0.8
    assert 0.90 <= covered <= 0.99


def test_the_closest_pairs_come_first_and_keep_apart():
    rows = np.random.default_rng(5).normal(size=(BLOCK + 50, 2)).astype(np.float32)
    rows[[3, BLOCK + 7, 500]] = rows[0] + np.array([[1e-6], [2e-6], [1e-3]])
    rows[900] = rows[20] + 1e-4
    table = squareform(pdist(rows.astype(np.float64)))
    np.fill_diagonal(table, np.inf)
    found = closest_pairs(Rows(rows), 5)
    assert len({i for pair in found for i in pair}) == 10
    assert (20, 900) in found
    assert [table[i, j] for i, j in found] == sorted(table[i, j] for i, j in found)
    assert all(j == table[i].argmin() or i == table[j].argmin() for i, j in found)


def test_equal_rows_give_as_many_pairs_as_are_asked_for():
    assert len(closest_pairs(Rows(np.ones((20, 3), np.float32)), 8)) == 8


def test_one_sample_is_refused(refused):
    assert "at least two" in refused(support, np.zeros(1, np.int64))
