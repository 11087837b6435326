"""Collapse: planted ones are told from healthy generators, and planted supports are found."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest

import gan_probe
from gan_probe import BadInputError
from gan_probe.data import Data, Split, open_data
from gan_probe.feature_space import names
from gan_probe.measures.birthday import Support
from gan_probe.measures.intervals import Estimate
from gan_probe_plugins.collapse import classes
from gan_probe_plugins.collapse.verdict import judged, too_few

from .planted import planted

CALLED = "collapsed: "
LEFT_OPEN = "undecided: its support does not exclude a collapse; no other sign of one"


@functools.cache
def digits():
    return open_data("digits").train.load(16, 1)


@functools.cache
def drawn():
    """Samples of a trained generator (N, H, W, C) uint8, and the digits (N,) that their nearest real images show."""
    gan = gan_probe.load("digits-dcgan")
    images = gan.to_uint8(gan.sample(gan.latent(10_000, np.random.default_rng(100))))
    flat = [found.reshape(len(found), -1).astype(np.float32) for found in (digits().images, images)]
    return images, digits().labels[((flat[0] ** 2).sum(1) - 2 * flat[1] @ flat[0].T).argmin(1)]


def three_digits(seed):
    images, labels = drawn()
    return planted(images[np.isin(labels, np.random.default_rng(seed).permutation(10)[:3])])


def five_hundred_images(seed):
    return planted(np.random.default_rng(seed).permutation(drawn()[0])[:500])


def ten_thousand_images(_seed):
    return planted(drawn()[0])


def a_trained_one(_seed):
    return gan_probe.load("digits-dcgan")


def report(gan, seed=0, data="digits", feature_space="pixels", judge="none", **options):
    return gan_probe.run(gan, "collapse", data=data, seed=seed, feature_space=feature_space, judge=judge, **options)


def verdict(*args, **kwargs):
    return report(*args, **kwargs).table("verdict").title.removeprefix("Verdict: ")


@pytest.mark.parametrize("seeds", [[0], pytest.param(range(20), marks=pytest.mark.slow)], ids=["few", "all"])
@pytest.mark.parametrize(
    ("make", "sign"),
    [
        (three_digits, "of real images are of kinds that it hardly draws"),
        (five_hundred_images, "different images"),
        (ten_thousand_images, None),
        (a_trained_one, None),
    ],
)
def test_planted_collapses_are_told_from_healthy_generators(make, sign, seeds):
    words = [verdict(make(seed), seed) for seed in seeds]
    print(f"\n{make.__name__}: {sum(w.startswith(CALLED) for w in words)} of {len(seeds)} called")
    if sign is None:
        assert not any(w.startswith(CALLED) for w in words)
        assert set(words) <= {"no sign of collapse", LEFT_OPEN}
    else:
        assert all(w.startswith(CALLED) and sign in w for w in words)


def supported(value, low, high):
    return Support(1000, 0 if value is None else 30, value, low, high, "planted")


@pytest.mark.parametrize(
    ("mine", "real", "few"),
    [
        ((100, 80, 200), (11_200, 2760, 131_000), True),
        ((355, 237, 558), (11_200, 2760, 131_000), None),  # the line to a collapse, 276, lies within
        ((5000, 4000, 6000), (11_200, 2760, 131_000), False),
        ((None, 300, None), (11_200, 2760, 131_000), False),
        ((None, 300, None), (None, 2760, None), False),  # nothing bounds what real images have
        ((None, 200, None), (None, 2760, None), None),
    ],
)
def test_a_support_excludes_a_collapse_only_where_the_intervals_do(mine, real, few):
    assert too_few(supported(*mine), supported(*real)) is few


def side(support, precision, lost=0.0):
    precise, away = (Estimate(value, value, value, "planted") for value in (precision, lost))
    return SimpleNamespace(
        support=supported(*support), measures=SimpleNamespace(precision=precise), bins=SimpleNamespace(lost=away)
    )


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        (0.9, LEFT_OPEN),
        (
            0.006,
            "undecided: its support does not exclude a collapse; its samples are too unlike real images for their "
            "kinds to be told",
        ),
    ],
)
def test_what_is_not_excluded_is_not_called_excluded(precision, words):
    both = {"samples": side((355, 237, 558), precision), "held": side((11_200, 2760, 131_000), 0.9)}
    found = judged(SimpleNamespace(**both), None)
    assert (found.words, found.collapsed) == (words, False)
    assert found.evidence[0]["wrong"] == "undecided"
    assert found.evidence[0]["wrong if"] == "surely below 276"


@functools.cache
def rooms():
    split = open_data("toy-rooms").train
    real, held, shown = (split.subset(np.arange(*part)).load(16, 3) for part in ((0, 600), (600, 1200), (1200, 6200)))
    data = Data("rooms", *(Split.from_arrays(name, part.images) for name, part in (("real", real), ("held", held))))
    return data, shown.images


@pytest.mark.parametrize("support", [50, 500, 5000])
def test_a_planted_support_is_found_within_a_factor_of_two(support):
    data, images = rooms()
    for seed in range(2):
        rows = report(planted(images[:support]), seed, data, samples=200).table("support").rows
        assert support / 2 < rows[0]["support"] < 2 * support
        assert rows[0]["low"] < rows[0]["support"] < rows[0]["high"]
        assert rows[1]["n"] == 200
    assert rows[0]["n"] < 4096  # no more than it took


def test_few_images_of_all_kinds_are_no_lost_kinds_and_lost_kinds_no_few_images():
    few, found = verdict(five_hundred_images(0)), report(three_digits(0))
    lost = found.table("verdict").title
    assert "kinds" not in few
    _, kinds, precision = found.table("verdict").rows
    for row in (kinds, precision):
        assert f"{row['sign']} {row['samples']} against {row['real images']}" in found.findings[0]
    assert "different images" not in lost


def test_a_judge_names_the_classes_that_are_missing(monkeypatch):
    monkeypatch.setattr(classes, "train_judge", functools.partial(classes.train_judge, steps=200))
    kept = {2, 5, 7}
    found = report(planted(digits().images[np.isin(digits().labels, sorted(kept))]), judge="data")
    rows = {int(row["class"]): row for row in found.table("classes").rows}
    assert {k for k, row in rows.items() if row["samples"] > 0.15} == kept
    assert all(row["p"] < 1e-3 for k, row in rows.items() if k not in kept)
    assert sum(row["samples"] for row in rows.values()) == pytest.approx(1)
    assert "of 10 classes it hardly draws" in found.table("verdict").title
    assert any("The judge of classes is right on" in note for note in found.notes)
    assert [figure.name for figure in found.figures] == ["measures", "bins", "closest-pairs", "classes"]


def test_samples_unlike_real_images_are_not_said_to_lack_their_kinds():
    noise = np.random.default_rng(0).integers(0, 256, (10_000, 16, 16, 1), np.uint8)
    found = report(planted(noise))
    table = found.table("verdict")
    assert "lost kinds" not in found.findings[0]
    assert "hardly draws" not in found.findings[0]
    assert "too unlike real images" in table.title
    assert CALLED not in table.title
    assert [row["wrong"] for row in table.rows] == ["no", "not judged", None]
    assert verdict(planted(noise[:40])).startswith(f"{CALLED}it has about ")  # of noise too, few are few


def test_a_generator_of_one_image_is_a_collapse_and_no_error():
    found = report(planted(digits().images[:1]))
    assert found.table("support").rows[0]["support"] == 1
    assert found.table("verdict").title.startswith("Verdict: collapsed: it has about 1 different image")


def test_real_images_in_the_samples_place_are_measured_alike():
    found = report(planted(digits().images))
    for row in found.table("measures").rows[:4]:
        assert row["low"] <= row["real high"]
        assert row["real low"] <= row["high"]


def test_the_judged_gans_own_discriminator_is_no_space_and_pixels_take_its_place(monkeypatch):
    gan = gan_probe.load("digits-dcgan")
    with pytest.raises(BadInputError, match="take another feature space"):
        report(gan, feature_space="d:digits-dcgan")
    monkeypatch.setitem(names.DEFAULTS, 1, "digits-dcgan")
    found = report(gan, feature_space="default", samples=100, most=128)
    assert any("Pixels stand in" in note for note in found.notes)
    assert all("in pixels" in table.caption for table in found.tables)
    other = report(ten_thousand_images(0), feature_space="default", samples=100, most=128)
    assert all("in d:digits-dcgan:" in table.caption for table in other.tables)


def test_data_without_labels_have_no_classes_to_count():
    data = Data("plain", Split.from_arrays("plain", digits().images[:300]))
    found = report(ten_thousand_images(0), data=data, judge="data", most=128)
    assert any("--judge DATA:LABELS" in note for note in found.notes)
    assert any("a random half was held out" in note for note in found.notes)
    assert [table.name for table in found.tables] == ["verdict", "support", "measures", "bins"]


def test_too_few_images_are_refused_in_a_line(refused):
    data = Data("tiny", Split.from_arrays("tiny", digits().images[:60]))
    assert "pass data of at least 100" in refused(report, ten_thousand_images(0), data=data)
