"""Selectivity of scores: areas, enrichment, correction and intervals, against other people's code and planted truth."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from gan_probe import BadInputError
from gan_probe.measures.enrichment import enrichment
from gan_probe.measures.holm import holm
from gan_probe.measures.linearised import (
    Linearised,
    difference_of_means,
    difference_to_draws,
    mean_over,
    pooled,
)
from gan_probe.measures.roc import all_areas, areas
from gan_probe.measures.selectivity import selectivity


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_areas_are_those_of_scikit_learn_also_with_ties(rng):
    scores = np.round(rng.normal(size=(300, 40)), 1).astype(np.float32)
    targets = rng.random((300, 3)) < [0.1, 0.5, 0.8]
    expected = [[roc_auc_score(targets[:, t], scores[:, f]) for t in range(3)] for f in range(40)]
    np.testing.assert_allclose(all_areas(scores, targets), expected, atol=1e-12)


def test_a_test_of_an_area_is_scipys_mann_whitney(rng):
    scores = np.round(rng.normal(size=(200, 6)), 1)
    targets = rng.random((200, 6)) < 0.3
    found, p = areas(scores, targets)
    for f in range(6):
        with_it, without = scores[targets[:, f], f], scores[~targets[:, f], f]
        theirs = mannwhitneyu(with_it, without, alternative="greater", method="asymptotic", use_continuity=False)
        assert found.values[f] == pytest.approx(roc_auc_score(targets[:, f], scores[:, f]))
        assert p[f] == pytest.approx(theirs.pvalue)


def test_a_score_that_is_always_the_same_says_nothing():
    targets = np.array([[True], [False], [True], [False]])
    found, p = areas(np.ones((4, 1)), targets)
    assert (found.values[0], p[0]) == (0.5, 1.0)


def test_a_target_that_all_have_or_none_is_refused():
    for column in (np.ones((5, 1), bool), np.zeros((5, 1), bool)):
        with pytest.raises(BadInputError, match="with the target and images without"):
            all_areas(np.arange(5.0)[:, None], column)


def times(n, rng):
    return np.bincount(rng.integers(n, size=n), minlength=n)


def test_what_each_image_adds_predicts_the_area_of_images_drawn_anew(rng):
    targets = rng.random((800, 1)) < 0.3
    scores = rng.normal(size=(800, 1)) + targets
    found, _ = areas(scores, targets)
    drawn = [times(800, rng) for _ in range(40)]
    predicted = np.array([found.values[0] + (w - 1) @ found.influence[:, 0] / 800 for w in drawn])
    true = np.array([roc_auc_score(targets[:, 0], scores[:, 0], sample_weight=w) for w in drawn])
    assert np.std(true) > 0.01
    assert np.abs(predicted - true).mean() < 0.1 * np.std(true)


def test_enrichment_is_a_share_less_the_share_of_all(rng):
    scores = rng.normal(size=(500, 2))
    targets = rng.random((500, 2)) < 0.2
    targets[np.argsort(-scores[:, 1])[:50], 1] = True
    found = enrichment(scores, targets, 50)
    for f in range(2):
        expected = targets[np.argsort(-scores[:, f])[:50], f].mean() - targets[:, f].mean()
        assert found.values[f] == pytest.approx(expected)
    assert found.values[1] == pytest.approx(1 - targets[:, 1].mean())


def test_what_each_image_adds_to_an_enrichment_has_the_spread_of_images_drawn_anew(rng):
    targets = rng.random((2000, 1)) < 0.3
    scores = rng.normal(size=(2000, 1)) + targets
    found = enrichment(scores, targets, 100)
    drawn = []
    for _ in range(400):
        which = rng.integers(2000, size=2000)
        drawn.append(enrichment(scores[which], targets[which], 100).values[0])
    interval = found.interval(0)
    assert (interval.high - interval.low) / 3.92 == pytest.approx(np.std(drawn), rel=0.15)


def test_holm_is_its_definition(rng):
    p = rng.random(20) ** 4
    adjusted = holm(p)
    for level in (0.01, 0.05, 0.2, 0.5):
        rejected = np.zeros(20, bool)
        for step, i in enumerate(np.argsort(p)):
            if p[i] * (20 - step) > level:
                break
            rejected[i] = True
        np.testing.assert_array_equal(adjusted <= level, rejected)
    assert adjusted.max() <= 1


def planted(rng, n=1200, f=20, strength=1.0):
    labels = rng.integers(4, size=n)
    targets = labels[:, None] == np.arange(4)
    scores = rng.normal(size=(n, f))
    scores[:, 0] += strength * targets[:, 2]
    return scores, targets, rng.permutation(n) < n // 2


def test_a_planted_filter_is_found_and_the_others_are_not(rng):
    found = selectivity(*planted(rng), top=50)
    assert found.target[0] == 2
    assert found.p[0] < 1e-6
    assert (found.p[1:] > 0.05).all()
    assert found.areas.values[0] > 0.7
    assert found.enrichment.values[0] > 0.2


def test_the_luck_of_the_choice_is_not_in_the_areas(rng):
    chosen, judged, enriched = [], [], []
    for _ in range(20):
        found = selectivity(*planted(rng, n=400, strength=0), top=50)
        chosen.append(found.chosen_by.mean())
        judged.append(found.areas.values.mean())
        enriched.append(found.enrichment.values.mean())
    assert np.mean(chosen) > 0.53  # the best of four by chance
    assert abs(np.mean(judged) - 0.5) < 0.006
    assert abs(np.mean(enriched)) < 0.01


def world(rng, n, draws, filters, effect=0.0):
    """Statistics (F,) of draws of a network on n images: a network's own offset, a filter's, an image's, noise."""
    image = rng.normal(size=n)
    found = []
    for draw in range(draws):
        offset = rng.normal(0, 0.1) + effect * (draw == 0)
        columns = (
            offset + rng.normal(0, 0.1, filters) + image[:, None] * rng.normal(1, 0.5) + rng.normal(size=(n, filters))
        )
        found.append(Linearised(columns.mean(0), (columns - columns.mean(0)).astype(np.float32)))
    return found


def test_intervals_over_images_and_draws_cover_the_truth(rng):
    """The first network is fixed at its offset, so that the truth is that less the draws' mean of 0."""
    covered = 0
    for _ in range(200):
        first = Linearised(np.zeros(3), np.zeros((300, 3), np.float32))
        seconds = world(rng, 300, 5, 8)
        estimate = difference_to_draws(first, seconds)
        covered += estimate.low <= 0 <= estimate.high
    assert covered >= 181  # 95 % of 200, less three standard errors


def test_intervals_over_images_and_filters_cover_the_truth(rng):
    covered = {"mean": 0, "difference": 0}
    for _ in range(100):
        image = rng.normal(size=200)
        values = [rng.normal(0, 0.2, 30) + image[:, None] * 0.5 + rng.normal(size=(200, 30)) for _ in range(2)]
        a, b = (Linearised(v.mean(0), (v - v.mean(0)).astype(np.float32)) for v in values)
        for name, found in (("mean", mean_over(a, rng, 400)), ("difference", difference_of_means(a, b, rng, 400))):
            covered[name] += found.low <= 0 <= found.high
    assert min(covered.values()) >= 88  # 95 % of 100, less three standard errors


def test_a_difference_is_that_of_the_means_and_its_sign_is_right(rng):
    first, *rest = world(rng, 400, 6, 10, effect=2.0)
    expected = first.values.mean() - np.mean([one.values.mean() for one in rest])
    for estimate in (difference_to_draws(first, rest), difference_of_means(first, pooled(rest), rng)):
        assert estimate.value == pytest.approx(expected)
        assert estimate.low > 0
