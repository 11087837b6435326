"""Tests of copying: equal to the published formulas, valid under the null, and seeing copies among poor samples."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import binom, mannwhitneyu

from gan_probe.measures.copying import authenticity, data_copying, detectable, lower_tail

SEEDS = 500
FALSE_ALARMS = binom.ppf(0.975, SEEDS, 0.05)  # at most so many of them at the 5 % level
N, WIDTH, CELLS = 200, 6, 4


def world(seed, kind, copies=0.0):
    """Training, held-out and generated points, and the centres of the cells.

    `like` draws samples from the data's own distribution, `poor` ones from about it; a share of them are copies.
    """
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CELLS, WIDTH)) * 4
    draw = lambda: centres[rng.integers(CELLS, size=N)] + rng.standard_normal((N, WIDTH))  # noqa: E731
    train, held, samples = draw(), draw(), draw()
    if kind == "poor":
        samples += rng.standard_normal((N, WIDTH))
    n = round(copies * N)
    samples[:n] = train[rng.choice(N, n, replace=False)] + rng.standard_normal((n, WIDTH)) * 1e-3
    return train, held, samples, centres


def p_values_of(train, held, samples, centres):
    """Both p-values."""
    cells = [cdist(x, centres).argmin(1) for x in (train, held, samples)]
    inside = [
        np.where(cell[:, None] == cells[0], cdist(x, train), np.inf).min(1)
        for x, cell in zip((held, samples), cells[1:], strict=True)
    ]
    tail = lower_tail(cdist(held, train).min(1), cdist(samples, train).min(1))
    found = data_copying(*inside, *cells[1:])
    return tail.p, found.p if found else 1.0


@pytest.fixture(scope="module")
def p_values():
    """By kind of samples and share of copies, (seeds, 2)."""
    cases = [("like", 0.0), ("poor", 0.0), ("poor", 0.1)]
    return {case: np.array([p_values_of(*world(seed, *case)) for seed in range(SEEDS)]) for case in cases}


def test_p_values_are_valid_where_samples_are_like_held_out_images(p_values):
    alarms = (p_values["like", 0.0] <= 0.05).sum(0)
    assert (alarms <= FALSE_ALARMS).all(), alarms
    assert alarms[1] >= binom.ppf(0.001, SEEDS, 0.05)  # C_T's is no lazier than it says
    assert alarms[0] >= 1


def test_poor_samples_alone_raise_no_alarm(p_values):
    alarms = (p_values["poor", 0.0] <= 0.05).sum(0)
    assert (alarms <= FALSE_ALARMS).all(), alarms


def test_copies_of_one_in_ten_among_poor_samples_are_found_by_the_lower_tail_and_missed_by_c_t(p_values):
    found = (p_values["poor", 0.1] <= 0.05).mean(0)
    assert found[0] >= 0.9
    assert found[1] <= 0.1


def test_copies_of_everything_are_found_by_both():
    assert all(max(p_values_of(*world(seed, "like", 1.0))) < 1e-6 for seed in range(5))


def reference_c_t(held, held_cells, samples, sample_cells, train, train_cells):
    """Meehan et al.'s formula as they publish it, cell by cell: the mean of z-scored U, weighted by held-out shares."""
    value = total = 0.0
    for cell in np.unique(train_cells):
        p, q, t = held[held_cells == cell], samples[sample_cells == cell], train[train_cells == cell]
        if len(q) / len(samples) <= 20 / len(samples):
            continue
        u, _ = mannwhitneyu(cdist(q, t).min(1), cdist(p, t).min(1), alternative="less")
        mean, deviation = len(p) * len(q) / 2 - 0.5, np.sqrt(len(p) * len(q) * (len(p) + len(q) + 1) / 12)
        share = len(p) / len(held)
        value += share * (u - mean) / deviation
        total += share
    return value / total


@pytest.mark.parametrize("copies", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["like", "poor"])
def test_c_t_is_that_of_the_published_formula(kind, copies):
    train, held, samples, centres = world(3, kind, copies)
    samples = np.concatenate([samples, centres[:1] + 0.1])  # unequal sizes
    cells = [cdist(x, centres).argmin(1) for x in (train, held, samples)]
    inside = [
        np.where(cell[:, None] == cells[0], cdist(x, train), np.inf).min(1)
        for x, cell in zip((held, samples), cells[1:], strict=True)
    ]
    found = data_copying(*inside, *cells[1:])
    assert found.cells == CELLS
    assert found.value == pytest.approx(reference_c_t(held, cells[1], samples, cells[2], train, cells[0]), rel=1e-12)


def test_cells_that_cannot_be_judged_do_not_count():
    rng = np.random.default_rng(0)
    held, samples = rng.random(90), rng.random(110)
    held_cells = np.repeat([0, 1, 2], 30)
    sample_cells = np.repeat([0, 1, 3, 4], [50, 20, 39, 1])  # 1: too few samples; 3: no held-out image
    found = data_copying(held, samples, held_cells, sample_cells)
    assert found.cells == 1
    alone = data_copying(held[:30], samples[:50], held_cells[:30], sample_cells[:50])
    assert (found.value, found.p) == (alone.value, alone.p)
    assert data_copying(held, samples[:20], held_cells, sample_cells[:20]) is None
    assert data_copying(held[:30], np.full(50, np.inf), held_cells[:30], sample_cells[:50]) is None


def test_authenticity_is_that_of_the_published_formula():
    train, _, samples, _ = world(1, "like", 0.3)
    own, apart = cdist(train, train), cdist(train, samples)
    np.fill_diagonal(own, np.inf)
    published = (own.min(0)[apart.argmin(0)] < apart.min(0)).mean()
    found = authenticity(apart.min(0), own.min(1)[apart.argmin(0)])
    assert found.value == published
    assert found.low < published < found.high


def test_the_lower_tails_p_value_is_the_share_of_all_orders():
    held, samples, rank = 4, 3, 1
    orders = list(itertools.combinations(range(held + samples), held))  # places of the held-out distances
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = rng.random(held), rng.random(samples)
        found = lower_tail(x, y, share=rank / held)
        as_many = [order[rank - 1] - (rank - 1) >= found.nearer.sum() for order in orders]
        assert found.p == pytest.approx(np.mean(as_many))


def test_a_higher_rank_counts_all_samples_before_it():
    found = lower_tail(np.arange(300.0), np.array([0.5, 1.5, 2.0, 250.0]))
    assert (found.rank, found.threshold, found.nearer.tolist()) == (3, 2.0, [True, True, False, False])
    assert found.share.value == 0.5


def test_ties_are_no_evidence():
    found = lower_tail(np.zeros(100), np.zeros(50))
    assert (found.p, found.share.value) == (1.0, 0.0)


def test_what_would_have_been_detected_is_the_least_that_is_significant():
    for found in (lower_tail(np.arange(500.0), np.arange(500.0)), lower_tail(np.arange(90.0), np.arange(40.0))):
        held = np.arange(float(found.n_held))
        least = detectable(found, 0.05)
        for n, significant in ((least, True), (least - 1, False)):
            samples = np.r_[np.full(n, -1.0), np.full(len(found.nearer) - n, 1e3)]
            assert (lower_tail(held, samples).p <= 0.05) == significant
    assert detectable(lower_tail(np.arange(3.0), np.arange(2.0)), 0.01) is None


def test_nothing_to_compare_is_refused(refused):
    assert "some of both" in refused(lower_tail, np.zeros(0), np.zeros(3))
    assert "some of both" in refused(lower_tail, np.zeros(3), np.zeros(0))
