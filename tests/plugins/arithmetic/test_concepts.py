"""Judges by name, which samples they choose, and what speaks against them."""

import dataclasses

import numpy as np
import pytest

from gan_probe import Context
from gan_probe.measures.intervals import proportion
from gan_probe_plugins.concepts import Gallery, doubts, judge_name, open_judges


@pytest.mark.parametrize(
    ("spec", "name", "source"),
    [
        ("toy-faces:smile", "smile", "toy-faces:smile"),
        ("smiles64", "smiles64", "smiles64"),
        ("faces/smiles.zip", "smiles", "faces/smiles.zip"),
        ("faces:^[0-9]+_([01])_", "faces", "faces:^[0-9]+_([01])_"),
        ("gender=faces:labels.csv", "gender", "faces:labels.csv"),
        ("hair colour = faces:hair", "hair colour", "faces:hair"),
        ("faces:(?P<label>[a-z]+)=1", "faces", "faces:(?P<label>[a-z]+)=1"),
    ],
)
def test_a_judge_is_called_as_it_is_named_or_as_its_labels_or_data(spec, name, source):
    assert judge_name(spec) == (name, source)


def test_a_concepts_pool_is_what_every_judge_is_sure_of(bars):
    gan = bars()
    ctx = Context()
    gallery = Gallery.judged(ctx.samples(gan, 400), open_judges(("upper", "lower"), gan.card, ctx))
    upper, lower = gallery.samples.z[:, 0].numpy(), gallery.samples.z[:, 1].numpy()
    pool = gallery.pool("light & dim", 0.5)
    np.testing.assert_array_equal(pool, np.flatnonzero((upper > 0) & (lower < 0)))
    sure = gallery.pool("light & dim", 0.9)
    assert set(sure) < set(pool)
    assert upper[sure].min() > 0.05


def taught(judge, confusion):
    """A judge with this confusion (K, K) on held-out images."""
    confusion = np.array(confusion)
    right, n = int(np.trace(confusion)), int(confusion.sum())
    return dataclasses.replace(judge, confusion=confusion, accuracy=proportion(right, n), n_held_out=n)


def naming(share, n=200):
    """Probabilities (N, 2) that name the second class of so many images."""
    second = np.arange(n) < share * n
    return np.stack([~second, second], 1).astype(np.float32)


@pytest.fixture
def upper(bars):
    return open_judges(("upper",), bars().card, Context())["upper"]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_nothing_speaks_against_a_judge_that_knows_its_classes_and_shares_that_may_be(upper, share):
    assert doubts({"upper": taught(upper, [[45, 5], [5, 45]])}, {"upper": naming(share)}) == []


@pytest.mark.parametrize(
    "confusion",
    [
        [[25, 25], [25, 25]],
        [[0, 10], [0, 90]],
        [[29, 21], [21, 29]],
        [[500, 500], [0, 1]],  # the one image of its class was luck
        [[0, 0], [10, 90]],
    ],
)
def test_a_judge_that_knows_no_more_than_chance_is_not_to_be_trusted(upper, confusion):
    (doubt,) = doubts({"upper": taught(upper, confusion)}, {})
    assert "The judge upper is not to be trusted" in doubt


def test_the_doubt_says_how_much_of_each_class_is_named_rightly(upper):
    (doubt,) = doubts({"upper": taught(upper, [[54, 46], [52, 48]])}, {})
    assert "names the classes rightly in 51.0% of each, on average (44.1% to 57.9%), and chance would be 50.0%" in doubt


@pytest.mark.parametrize(
    "confusion", [[[3380, 422], [30, 168]], [[40, 5, 0], [5, 40, 0], [0, 0, 0]], [[90, 10], [0, 2]]]
)
def test_a_judge_of_a_rare_class_is_trusted_though_the_commonest_class_alone_is_oftener_right(upper, confusion):
    assert doubts({"upper": taught(upper, confusion)}, {}) == []


def test_a_judge_to_which_nearly_all_samples_are_of_a_rare_class_is_doubted(upper):
    judge = taught(upper, [[75, 5], [0, 20]])
    (doubt,) = doubts({"upper": judge}, {"upper": naming(0.88)})
    assert doubt.startswith("The judge upper names 88% of the samples 'light', and 25% of held-out images")
    assert doubts({"upper": judge}, {"upper": naming(0.7)}) == []
