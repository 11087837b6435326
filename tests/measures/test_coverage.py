"""Every interval that a probe prints covers, in simulation, what it says it covers: 95 times in 100.

The classifiers are real: nearest class means, trained on draws from a pool of planted Gaussians. `-m slow -s` prints
the coverages; the quick run has fewer settings, fewer repetitions and wider bounds.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from gan_probe.measures.intervals import crossed_mean, paired_difference, paired_ratio, t_mean, wilson

CLASSES, FEATURES, IMAGES = 3, 8, 300
MEANS = np.random.default_rng(7).normal(0, 0.8, (CLASSES, FEATURES))


def with_settings(names, quick, full):
    """Parameters of a simulation and what must cover: (repetitions, least, most)."""
    rows = [pytest.param(*setting, (300, 0.91, 0.985)) for setting in quick]
    rows += [pytest.param(*setting, (2000, 0.93, 0.97), marks=pytest.mark.slow) for setting in full]
    return pytest.mark.parametrize((*names, "wanted"), rows)


# how many training sets are drawn, rows of a class in each, rows of a class in the pool
of_draws = with_settings(
    ("draws", "rows", "pooled"),
    [(5, 10, 200), (50, 40, 200)],
    [(5, 10, 500), (10, 10, 500), (10, 100, 500), (10, 400, 5000), (100, 10, 500), (100, 100, 500)],
)


def check(what, hits, wanted):
    repeats, least, most = wanted
    print(f"\n{what}: {hits / repeats:.1%}")
    assert least <= hits / repeats <= most


def covers(interval, truth):
    return interval[-2] <= truth <= interval[-1]


def pool_of(rng, rows):
    return MEANS[:, None] + rng.normal(size=(CLASSES, rows, FEATURES))  # (K, N, F)


def images_of(rng, n=IMAGES):
    labels = rng.integers(CLASSES, size=n)
    return MEANS[labels] + rng.normal(size=(n, FEATURES)), labels


def trained(rng, pool, draws, rows):
    """Class means (R, K, F) of as many random training sets of so many rows a class."""
    chosen = rng.random((CLASSES, draws, pool.shape[1])).argpartition(rows - 1, axis=2)[..., :rows]
    picked = np.zeros((CLASSES, draws, pool.shape[1]))
    np.put_along_axis(picked, chosen, 1 / rows, axis=2)
    return (picked @ pool).transpose(1, 0, 2)


def from_population(rng, draws, rows):
    return MEANS + rng.normal(size=(draws, CLASSES, FEATURES)) / math.sqrt(rows)


def right(means, images, labels, features=FEATURES):
    """Whether each classifier is right on each image (R, n), by the first so many features."""
    means, images = means[..., :features], images[:, :features]
    scores = images @ means.reshape(-1, features).T - np.square(means).sum(2).ravel() / 2
    return (scores.reshape(len(images), -1, CLASSES).argmax(2) == labels[:, None]).T


def gain(means, images, labels):
    """By how much all features beat the first five, image by image: -1, 0 or 1 (R, n)."""
    return right(means, images, labels).astype(np.int8) - right(means, images, labels, 5)


@pytest.mark.parametrize(("n", "least", "most"), [(100, 0.92, 0.98), (300, 0.93, 0.97), (2000, 0.94, 0.96)])
def test_wilson_covers_the_accuracy_on_new_images(n, least, most):
    # exact: all counts, weighed by their probability. At n = 100 a count more or less moves coverage by so much that no
    # interval of counts alone stays within 93 to 97 at every accuracy; averaged over accuracies it does
    accuracies = np.linspace(0.3, 0.97, 136)
    counts = np.arange(n // 5, n + 1)
    low, high = np.transpose([wilson(int(count), n) for count in counts])
    within = (low <= accuracies[:, None]) & (accuracies[:, None] <= high)
    coverage = (within * binom.pmf(counts, n, accuracies[:, None])).sum(1)
    print(f"\nwilson, n {n}: {coverage.min():.1%} to {coverage.max():.1%}, mean {coverage.mean():.1%}")
    assert least <= coverage.min() <= coverage.max() <= most
    assert coverage.mean() == pytest.approx(0.95, abs=0.003)


PAIRS = [(0.5, 0.45, 0.0), (0.8, 0.75, 0.5), (0.8, 0.75, 0.9), (0.97, 0.93, 0.5)]


@with_settings(("pair", "n"), [((0.8, 0.75, 0.5), 400)], itertools.product(PAIRS, [100, 1000, 10_000]))
def test_paired_difference_covers_that_of_two_classifiers_that_err_together(pair, n, wanted):
    p, q, shared = pair
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(wanted[0]):
        u = rng.random(n)
        v = np.where(rng.random(n) < shared, u, rng.random(n))
        hits += covers(paired_difference(u < p, v < q), p - q)
    check(f"paired_difference, {p} against {q}, shared {shared}, n {n}", hits, wanted)


# the share before, the shares of those that stay and of others that come, and items
RATIOS = [(0.5, 0.03, 0.0, 50), (0.53, 0.22, 0.02, 1000), (0.53, 0.95, 0.05, 1000), (0.05, 0.5, 0.01, 1000)]


@with_settings(("before", "kept", "new", "n"), [(0.53, 0.8, 0.1, 300)], RATIOS)
def test_paired_ratio_covers_that_of_two_shares_of_the_same_items(before, kept, new, n, wanted):
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(wanted[0]):
        first = rng.random(n) < before
        second = rng.random(n) < np.where(first, kept, new)
        hits += covers(paired_ratio(second, first), kept + new * (1 - before) / before)
    check(f"paired_ratio, {before}, of which {kept} stay and {new} of the rest come, n {n}", hits, wanted)


@pytest.mark.parametrize("outcome", [right, gain])
@of_draws
def test_t_covers_the_expected_result_of_a_draw_from_this_pool_on_these_images(outcome, draws, rows, pooled, wanted):
    rng = np.random.default_rng(2)
    pool, images = pool_of(rng, pooled), images_of(rng)
    truth = np.mean([outcome(trained(rng, pool, 100, rows), *images).mean() for _ in range(wanted[0] // 10)])
    hits = sum(
        covers(t_mean(outcome(trained(rng, pool, draws, rows), *images).mean(1)), truth) for _ in range(wanted[0])
    )
    check(f"t_mean, {outcome.__name__}, {draws} draws of {rows} of {pooled}, this pool, these images", hits, wanted)


@with_settings(("draws", "rows", "pooled"), [(50, 40, 200)], [(10, 100, 500), (10, 400, 5000), (100, 100, 500)])
def test_draws_that_overlap_say_too_little_of_other_pools_unless_widened(draws, rows, pooled, wanted):
    repeats = wanted[0]
    rng = np.random.default_rng(3)
    images = images_of(rng)
    truth = np.mean([right(from_population(rng, 100, rows), *images).mean() for _ in range(200)])
    plain = widened = 0
    for _ in range(repeats):
        found = right(trained(rng, pool_of(rng, pooled), draws, rows), *images).mean(1)
        plain += covers(t_mean(found), truth)
        widened += covers(t_mean(found, overlap=rows / pooled), truth)
    print(f"\n{draws} draws of {rows} of {pooled}, other pools, these images: {plain / repeats:.1%} plain")
    print(f"{draws} draws of {rows} of {pooled}, other pools, these images: {widened / repeats:.1%} widened")
    assert plain < widened
    assert widened / repeats >= wanted[1]  # cautious: there is no upper bound


@pytest.mark.parametrize("outcome", [right, gain])
@of_draws
def test_crossed_covers_the_expected_result_of_a_new_draw_on_new_images(outcome, draws, rows, pooled, wanted):
    repeats = wanted[0]
    rng = np.random.default_rng(4)
    truth = np.mean([outcome(from_population(rng, 100, rows), *images_of(rng, 2000)).mean() for _ in range(200)])
    crossed = alone = 0
    for _ in range(repeats):
        found = outcome(trained(rng, pool_of(rng, pooled), draws, rows), *images_of(rng))
        crossed += covers(crossed_mean(found), truth)
        alone += covers(t_mean(found.mean(1)), truth)
    what = f"{outcome.__name__}, {draws} draws of {rows} of {pooled}, new images"
    print(f"\nt_mean, {what}: {alone / repeats:.1%}")
    assert alone < 0.93 * repeats  # the negative control: t over draws takes these images for all images
    check(f"crossed_mean, {what}", crossed, wanted)


@pytest.mark.slow
def test_with_many_images_crossed_needs_the_overlap_of_the_draws():
    rng = np.random.default_rng(4)
    truth = np.mean([right(from_population(rng, 100, 100), *images_of(rng, 5000)).mean() for _ in range(200)])
    plain = widened = 0
    for _ in range(300):
        found = right(trained(rng, pool_of(rng, 500), 100, 100), *images_of(rng, 10_000))
        plain += covers(crossed_mean(found), truth)
        widened += covers(crossed_mean(found, overlap=0.2), truth)
    print(f"\n100 draws of 100 of 500, 10,000 new images: {plain / 300:.1%} plain, {widened / 300:.1%} widened")
    assert plain / 300 < 0.925 <= widened / 300 <= 0.985
