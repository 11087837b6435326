"""What does not fit into memory is decoded once, for all epochs, and found again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gan_probe.data import Images, open_data
from gan_probe.features.store import FeatureStore
from gan_probe.training.decoded import decoded
from gan_probe.training.source import InMemory, choose_source
from gan_probe.training.stream import Stream

from .numbered import N, rng, same


@pytest.mark.usefixtures("little_memory")
def test_what_does_not_fit_is_decoded_once_for_several_epochs_and_gives_the_same_batches(
    split, tmp_path, monkeypatch, gan_probe_command
):
    monkeypatch.setenv("GAN_PROBE_CACHE", str(tmp_path))
    source = choose_source(split, 8, 3, epochs=2)
    images = split.pixels.load(np.arange(N), 8, 3, "", None)
    images = Images(images.images, split.labels)
    assert source.fingerprint == images.fingerprint  # exact: all was decoded
    assert source.identity == Stream(split, 8, 3).identity
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: None)
    memory = choose_source(split, 8, 3)
    assert isinstance(memory, InMemory)
    assert memory.identity == source.identity
    assert same(source.epoch(rng(), 30), memory.epoch(rng(), 30))
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: N * 8 * 8 * 3)
    assert "gan-probe cache" in source.notes[0]
    assert same(source.epoch(rng(), 30), Stream(split, 8, 3, workers=1).epoch(rng(), 30))
    assert isinstance(source.split.pixels.images.base, np.memmap)
    code, out, _ = gan_probe_command("cache")
    assert code == 0
    assert f"images {split.name} 8x8x3" in " ".join(out.split())
    # found again, and nothing decoded
    monkeypatch.setattr("gan_probe.training.decoded.Decoders", lambda *_: pytest.fail("decoded again"))
    assert choose_source(split, 8, 3, epochs=2).fingerprint == images.fingerprint


def test_a_file_that_changed_is_decoded_anew(tree, png, tmp_path):
    store = FeatureStore(tmp_path / "store")
    root = tree({f"{i}.png": png(i) for i in range(10)})
    before = decoded(open_data(root).train, 8, 1, store, None)
    size = (root / "3.png").stat().st_size
    (root / "3.png").write_bytes(png(99))
    assert (root / "3.png").stat().st_size == size
    after = decoded(open_data(root).train, 8, 1, store, None)
    assert before.pixels.images[3, 0, 0, 0] == 3
    assert after.pixels.images[3, 0, 0, 0] == 99


def test_what_was_decoded_keeps_labels_and_lists_what_was_not_readable(tree, png, tmp_path):
    files = {f"{'ab'[i % 2]}/{i:02}.png": png(i) for i in range(10)}
    split = open_data(tree(files | {"a/04.png": b""})).train
    loaded = split.load(8, 1)
    store = FeatureStore(tmp_path / "store")
    for reason in ("empty file", "could not be read"):
        kept = decoded(split, 8, 1, store, None)
        assert (kept.load(8, 1).fingerprint, kept.classes) == (loaded.fingerprint, loaded.classes)
        assert [item.name for item in kept.skipped] == ["a/04.png"]
        assert reason in kept.skipped[0].reason


@pytest.mark.usefixtures("little_memory")
def test_a_disk_without_room_leaves_a_stream_that_says_so(split, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=N * 193 * 2 - 1))
    source = choose_source(split, 8, 3, epochs=2, store=FeatureStore(tmp_path / "none"))
    assert "more than half" in source.notes[0]
    assert "in every epoch" in source.notes[0]
    assert not (tmp_path / "none").exists()
    assert len(list(source.epoch(rng(), 30))) == 10
