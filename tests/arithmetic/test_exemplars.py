"""Draws of exemplars: from their pools, never twice, as many as there can be."""

import numpy as np
import pytest

from gan_probe.arithmetic import disjoint_draws

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("pools", "draws"),
    [
        ([range(30), range(100, 160), range(200, 290)], 10),  # the smallest allows ten
        ([range(30), range(30), range(100, 200)], 5),  # one pool for two concepts
        ([range(9), range(9), range(9)], 1),
        ([range(12), range(60), range(100, 200)], 4),  # one within the other
        ([range(2), range(60), range(100, 200)], 0),
    ],
)
def test_every_exemplar_is_of_its_pool_and_comes_once(pools, draws):
    pools = [np.array(pool) for pool in pools]
    found = disjoint_draws(pools, 3, 100, RNG)
    assert found.shape == (3, draws, 3)
    assert len(np.unique(found)) == found.size
    for pool, numbers in zip(pools, found, strict=True):
        assert np.isin(numbers, pool).all()


def test_no_more_draws_than_asked_for():
    assert disjoint_draws([np.arange(100)], 2, 7, RNG).shape == (1, 7, 2)


def test_each_member_of_a_pool_is_as_likely():
    counts = np.zeros(12)
    for seed in range(600):
        counts[disjoint_draws([np.arange(12), np.arange(12, 50)], 3, 1, np.random.default_rng(seed))[0, 0]] += 1
    # expected 150 each, standard deviation about 10.6
    assert counts.min() > 110
    assert counts.max() < 190
