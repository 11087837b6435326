"""Where the images come from changes nothing but the time: order, resume, shares, and which source is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from gan_probe.analysis import Context
from gan_probe.data import open_data
from gan_probe.data.decoders import default_workers
from gan_probe.gan import Card
from gan_probe.training.source import InMemory, choose_source
from gan_probe.training.stream import Stream

from .numbered import N, numbers, rng, same


@pytest.mark.parametrize("kind", ["memory", "stream"])
def test_an_epoch_gives_every_image_once_with_its_label(split, kind):
    images = split.load(8, 3)
    source = InMemory(images.images, images.labels) if kind == "memory" else Stream(split, 8, 3, workers=2)
    batches = list(source.epoch(rng(), 50))
    found = [number for pixels, _ in batches for number in numbers(pixels)]
    assert sorted(found) == list(range(N))
    assert found != sorted(found)
    labels = np.concatenate([labels for _, labels in batches])
    assert (labels == (np.array(found) >= 100)).all()
    assert len(list(source.epoch(rng(), 64))) == N // 64  # an incomplete batch is left out
    assert numbers(next(source.epoch(rng(1), 50))[0]) != found[:50]


@pytest.mark.parametrize("start", [1, 9, 10])
def test_an_epoch_resumed_goes_on_as_if_it_had_not_stopped(split, start):
    for source in (Stream(split, 8, 3, workers=1), InMemory(split.load(8, 3).images)):
        whole = list(source.epoch(rng(), 30))
        assert same(whole[start:], source.epoch(rng(), 30, start))


def test_shares_make_up_the_batch(split):
    shares = [slice(0, 15), slice(15, 30)]
    for source in (Stream(split, 8, 3, workers=1), InMemory(split.load(8, 3).images)):
        whole, ones, others = (source.epoch(rng(), 30, 7, share) for share in (slice(None), *shares))
        for (pixels, _), (one, _), (other, _) in zip(whole, ones, others, strict=True):
            assert (np.concatenate([one, other]) == pixels).all()


def test_a_sample_is_drawn_without_replacement(split):
    for source in (Stream(split, 8, 3, workers=1), InMemory(split.load(8, 3).images, split.labels)):
        images, labels = source.sample(40, rng())
        found = numbers(images)
        assert len(set(found)) == 40
        assert (labels == (np.array(found) >= 100)).all()
        assert len(source.sample(1000, rng())[0]) == N


def test_what_fits_is_held_in_memory_with_its_exact_fingerprint(split):
    source, images = choose_source(split, 8, 3), split.load(8, 3)
    assert isinstance(source, InMemory)
    assert (source.fingerprint, source.notes, source.classes) == (images.fingerprint, images.notes, images.classes)
    ctx = Context()
    ctx.images(split, Card("", "", 8, 3))
    assert [source.record()] == ctx.loaded


def test_processes_on_one_machine_share_its_memory_and_cores(split, monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: 4 * N * 8 * 8 * 3)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(16), raising=False)
    for ranks, kind, workers in (("", InMemory, 8), ("2", InMemory, 4), ("4", Stream, 2), ("64", Stream, 1)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
        assert isinstance(choose_source(split, 8, 3), kind)
        assert default_workers() == workers


@pytest.mark.usefixtures("little_memory")
def test_one_epoch_of_what_does_not_fit_is_streamed(split):
    source = choose_source(split, 8, 3)
    assert isinstance(source, Stream)
    assert source.fingerprint.startswith("names-and-sizes:")
    assert "read from the disk" in source.notes[0]


def test_training_ends_with_the_same_weights_wherever_the_images_lie(folder, tmp_path, monkeypatch):
    import torch

    from gan_probe.training.checkpoint import train_checkpoint
    from gan_probe.training.recipe import Recipe

    monkeypatch.setenv("GAN_PROBE_CACHE", str(tmp_path / "cache"))
    ends = []
    for epochs, available in ((1, None), (1, N * 16 * 16), (2, None), (2, N * 16 * 16)):
        monkeypatch.setattr("gan_probe.training.source.fits", lambda n, limit=available: limit is None or n <= limit)
        recipe = Recipe(epochs=epochs, image_size=16, width=4, z_size=8)
        gan = train_checkpoint(open_data(folder), tmp_path / f"{len(ends)}.pt", recipe)
        ends.append([value for net in (gan.generator, gan.discriminator) for value in net.state_dict().values()])
    for memory, disk in (ends[:2], ends[2:]):
        assert all(torch.equal(a, b) for a, b in zip(memory, disk, strict=True))
    assert not torch.equal(ends[0][0], ends[2][0])
    assert "read from the disk" in (tmp_path / "1-training" / "report.json").read_text()
    assert "decoded once" in (tmp_path / "3-training" / "report.json").read_text()
