"""The sample grid: sorted by score, whatever the batch size."""

import io

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN, UsageError
from gan_probe.testing import tiny_gan


def latents(report):
    return torch.from_numpy(np.load(io.BytesIO(report.artifacts[0].content)))


def test_the_grid_is_sorted_by_the_discriminators_score():
    gan = tiny_gan()
    scores = gan.discriminator(gan.sample(latents(gan_probe.run(gan, "samples", count=16)))).flatten()
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_batch_size_has_no_influence():
    reports = [gan_probe.run(tiny_gan(), "samples", count=20, batch_size=b) for b in (3, 128)]
    assert torch.equal(*(latents(r) for r in reports))
    np.testing.assert_array_equal(*(r.figures[0].content for r in reports))


def test_statistics_that_are_not_stored_are_computed_on_the_samples_and_forgotten():
    gan = tiny_gan()
    gan.discriminator.statistics = None
    report = gan_probe.run(gan, "samples", count=8)
    assert gan.discriminator.statistics is None
    assert any("computed on these samples" in note for note in report.notes)


def test_candidates_keep_the_best():
    few = gan_probe.run(tiny_gan(), "samples", count=8).table("scores").rows[0]
    best = gan_probe.run(tiny_gan(), "samples", count=8, candidates=10).table("scores").rows[0]
    assert best["median"] > few["median"]


def test_a_generator_alone_shows_its_samples_in_the_order_drawn():
    gan = tiny_gan()
    alone = GAN(gan.card, gan.generator, None)
    report = gan_probe.run(alone, "samples", count=4)
    assert report.tables == ()
    assert any("no discriminator" in note for note in report.notes)
    with pytest.raises(UsageError, match="--candidates"):
        gan_probe.run(alone, "samples", candidates=2)


def test_a_conditional_generator_shows_every_class():
    report = gan_probe.run(tiny_gan(classes=4), "samples", count=8)
    assert report.figures[0].content.ndim == 3


def test_unsorted_a_latent_has_the_same_place_for_every_checkpoint():
    def drawn(seed, **options):
        return latents(gan_probe.run(tiny_gan(seed), "samples", count=9, **options))

    assert torch.equal(drawn(0, sort=False), drawn(1, sort=False))
    assert not torch.equal(drawn(0), drawn(1))
