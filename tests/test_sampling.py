import numpy as np
import pytest
import torch

from gan_probe import Context, UsageError
from gan_probe.gan import GAN
from gan_probe.testing import tiny_gan


@pytest.fixture
def counted():
    """A GAN whose generator counts the latents that it was given."""
    gan = tiny_gan()
    seen = []
    forward = gan.generator.forward

    def counting(z, labels=None):
        seen.append(len(z))
        return forward(z, labels)

    gan.generator.forward = counting
    return gan, seen


def test_the_generator_runs_once_per_latent_whoever_asks(counted):
    gan, seen = counted
    ctx = Context(seed=3)
    first = ctx.samples(gan, 50)
    longer = ctx.samples(gan, 70)
    again = ctx.samples(gan, 20)
    assert sum(seen) == 70
    assert torch.equal(longer.z[:50], first.z)
    assert torch.equal(longer.images[:50], first.images)
    np.testing.assert_array_equal(again.pixels, first.pixels[:20])


@pytest.mark.parametrize("classes", [0, 3])
def test_samples_are_the_generators_own_whatever_the_batch_size(classes):
    gan = tiny_gan(classes=classes)
    one, other = (Context(seed=1, batch_size=size).samples(gan, 33) for size in (7, 128))
    # as all sampling: to the rounding of float32, which goes by the shape of a product
    torch.testing.assert_close(one.images, other.images, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.images, gan.sample(one.z, one.labels), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(one.pixels, gan.to_uint8(one.images))
    assert (one.labels is None) == (classes == 0)
    if classes:
        assert np.bincount(one.labels.numpy()).tolist() == [11, 11, 11]


def test_other_seeds_draw_other_latents():
    gan = tiny_gan()
    assert not torch.equal(Context(seed=0).samples(gan, 4).z, Context(seed=1).samples(gan, 4).z)


def test_what_an_analysis_does_to_its_samples_stays_with_it():
    gan, ctx = tiny_gan(), Context()
    taken = ctx.samples(gan, 5)
    taken.images.zero_()
    taken.pixels[:] = 0
    taken.z.zero_()
    fresh = Context().samples(gan, 5)
    after = ctx.samples(gan, 5)
    assert torch.equal(after.images, fresh.images)
    assert torch.equal(after.z, fresh.z)
    np.testing.assert_array_equal(after.pixels, fresh.pixels)


def test_a_changed_generator_is_another_one():
    gan, ctx = tiny_gan(), Context()
    before = ctx.samples(gan, 5)
    kept = [p.clone() for p in gan.generator.parameters()]
    for p in gan.generator.parameters():
        p.data.mul_(1.5)
    assert not torch.equal(ctx.samples(gan, 5).images, before.images)
    for p, value in zip(gan.generator.parameters(), kept, strict=True):
        p.data.copy_(value)
    with torch.no_grad():
        handle = gan.generator.register_forward_hook(lambda *_: torch.zeros(5, 1, 16, 16))
        assert ctx.samples(gan, 5).images.abs().max() == 0
        handle.remove()
    assert torch.equal(ctx.samples(gan, 5).images, before.images)


def test_without_a_generator_there_is_nothing_to_sample():
    with pytest.raises(UsageError, match="has no generator"):
        Context().samples(GAN(tiny_gan().card, None, None), 3)


def test_once_makes_a_thing_once_in_a_run():
    ctx, made = Context(), []
    for _ in range(3):
        assert ctx.once(("judge", "x"), lambda: made.append(1) or "a judge") == "a judge"
    assert made == [1]
