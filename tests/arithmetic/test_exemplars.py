"""Draws of exemplars: from their pools, never twice, as many as there can be."""

import numpy as np
import pytest

from gan_probe.arithmetic import disjoint_draws


@pytest.mark.parametrize(
    ("pools", "draws"),
    [
        ([range(30), range(100, 160), range(200, 290)], 10),  # the smallest allows ten
        ([range(30), range(30), range(100, 200)], 5),  # one pool for two concepts
        ([range(9), range(9), range(9)], 1),
        ([range(12), range(60), range(100, 200)], 3),  # one within the other, which needs a few of it, too
        ([range(2), range(60), range(100, 200)], 0),
    ],
)
def test_every_exemplar_is_of_its_pool_and_comes_once(pools, draws):
    pools = [np.array(pool) for pool in pools]
    found = disjoint_draws(pools, 3, 100, np.random.default_rng(0))
    assert found.shape == (3, draws, 3)
    assert len(np.unique(found)) == found.size
    for pool, numbers in zip(pools, found, strict=True):
        assert np.isin(numbers, pool).all()


def test_no_more_draws_than_asked_for():
    assert disjoint_draws([np.arange(100)], 2, 7, np.random.default_rng(0)).shape == (1, 7, 2)


def test_each_member_of_a_pool_is_as_likely():
    counts = np.zeros(12)
    for seed in range(600):
        counts[disjoint_draws([np.arange(12), np.arange(12, 50)], 3, 1, np.random.default_rng(seed))[0, 0]] += 1
    # expected 150 each, standard deviation about 10.6
    assert counts.min() > 110
    assert counts.max() < 190


def test_pools_that_overlap_are_drawn_from_as_they_are():
    first, second = np.arange(600), np.arange(300, 1800)  # 300 numbers in both
    found = [
        disjoint_draws([first, second, np.arange(3000, 6000)], 3, 200, np.random.default_rng(seed))
        for seed in range(30)
    ]
    for i, other, share in ((0, second, 0.5), (1, first, 0.2)):
        shared = np.concatenate([np.isin(numbers[i], other).ravel() for numbers in found])
        assert abs(shared.mean() - share) < 3 * np.sqrt(share * (1 - share) / len(shared))
    # of the shared numbers a draw takes 1.5 for the first and 0.6 for the second: 300 are enough for about 143
    assert 130 < np.mean([numbers.shape[1] for numbers in found]) < 150


def test_shared_numbers_stand_for_either_pool_alike():
    counts = np.zeros((2, 20))
    for seed in range(400):
        found = disjoint_draws([np.arange(20), np.arange(80)], 2, 3, np.random.default_rng(seed))
        for count, numbers in zip(counts, found, strict=True):
            np.add.at(count, numbers[numbers < 20], 1)
    # 6 of 20 and of 80 numbers, 400 times: 120 each and 30, standard deviations about 9 and 5
    assert 80 < counts[0].min() <= counts[0].max() < 160
    assert 10 < counts[1].min() <= counts[1].max() < 50


def test_where_no_number_is_shared_each_pool_is_drawn_from_in_turn():
    pools = [np.arange(40, 90), np.arange(30), np.arange(100, 300)]
    rng = np.random.default_rng(3)
    expected = {i: rng.permutation(pools[i])[: 7 * 4].reshape(7, 4) for i in (1, 0, 2)}  # the rarest first
    found = disjoint_draws(pools, 4, 50, np.random.default_rng(3))
    np.testing.assert_array_equal(found, [expected[i] for i in range(3)])
