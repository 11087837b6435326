"""Where the images come from changes nothing but the time: order, resume, damage, memory."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan_probe.analysis import Context
from gan_probe.data import Images, Split, open_data
from gan_probe.data.decoders import Decoders, default_workers
from gan_probe.data.folders import Folder
from gan_probe.features.store import FeatureStore
from gan_probe.gan import Card
from gan_probe.training.order import BLOCK, WINDOW, shuffled
from gan_probe.training.source import InMemory, choose_source
from gan_probe.training.stream import Stream

N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """300 grey images in two classes; image i is filled with i % 256, and its red corner is i // 256."""
    root = tmp_path_factory.mktemp("images")
    for i in range(N):
        pixels = np.full((8, 8, 3), i % 256, np.uint8)
        pixels[0, 0] = i // 256
        file = root / f"{'ab'[i >= 100]}/{i:03}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(file)
    return root


@pytest.fixture
def split(folder) -> Split:
    return open_data(folder).train


def numbers(images: np.ndarray) -> list[int]:
    """Which images these are."""
    images = images.astype(int)
    return (images[:, 4, 4, 0] + 256 * images[:, 0, 0, 0]).tolist()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(ones, others) -> bool:
    pairs = list(zip(ones, others, strict=True))
    return all((a == b).all() and (x is y or (x == y).all()) for (a, x), (b, y) in pairs)


@given(st.integers(1, 150_000), st.integers(0, 2**32))
def test_the_order_holds_every_number_once(n, seed):
    assert (np.sort(shuffled(n, rng(seed))) == np.arange(n)).all()


def test_the_order_reads_few_blocks_at_a_time_and_mixes_them():
    order = shuffled(4 * BLOCK * WINDOW, rng())
    first = np.unique(order[: BLOCK * WINDOW] // BLOCK)
    assert len(first) == WINDOW
    assert np.unique(order[: BLOCK * WINDOW] * 4 // len(order)).tolist() == [0, 1, 2, 3]  # from everywhere
    blocks = [len(np.unique(order[i : i + 128] // BLOCK)) for i in range(0, BLOCK * WINDOW, 128)]
    expected = WINDOW * (1 - (1 - 1 / WINDOW) ** 128)  # blocks that 128 draws meet
    assert np.mean(blocks) == pytest.approx(expected, abs=1)


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


@pytest.mark.parametrize(("batch", "workers"), [(7, 3), (200, 3)])
def test_batches_do_not_depend_on_the_processes(split, batch, workers, monkeypatch):
    expected = list(Stream(split, 8, 3, workers=1).epoch(rng(), batch))
    monkeypatch.setattr("gan_probe.training.stream.CHUNK", 16)
    assert same(expected, Stream(split, 8, 3, workers=workers).epoch(rng(), batch))


def test_a_stream_has_the_pixels_of_the_images_in_memory(split):
    images = split.load(6, 1)
    order = shuffled(N, rng())
    for k, (pixels, labels) in enumerate(Stream(split, 6, 1, workers=1).epoch(rng(), 100)):
        chosen = order[100 * k : 100 * k + 100]
        assert (pixels == images.images[chosen]).all()
        assert (labels == images.labels[chosen]).all()


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


def test_what_was_passed_is_not_read_again(split, monkeypatch):
    source = Stream(split, 8, 3, workers=1)
    asked = []
    address = type(split.pixels.reader).address
    monkeypatch.setattr(type(split.pixels.reader), "address", lambda s, i: asked.append(i) or address(s, i))
    list(source.epoch(rng(), 30, 8))
    assert len(asked) == 60


@pytest.mark.parametrize("kind", ["zip", "tar", "lmdb"])
def test_what_lies_in_an_archive_or_data_base_streams(kind, png, tmp_path):
    if kind == "lmdb":
        lmdb = pytest.importorskip("lmdb")
        with lmdb.open(str(tmp_path / "x_train_lmdb"), map_size=2**20) as base, base.begin(write=True) as transaction:
            for i in range(40):
                transaction.put(bytes([i, 255 - i]), png(i))  # keys need not be text
        split = open_data("lsun", root=tmp_path).train
    else:
        for i in range(40):
            (tmp_path / "images").mkdir(exist_ok=True)
            (tmp_path / "images" / f"{i:02}.png").write_bytes(png(i))
        split = open_data(shutil.make_archive(str(tmp_path / "x"), kind, tmp_path / "images")).train
    source = Stream(split, 8, 1, workers=1)
    ((images, labels),) = source.epoch(rng(), 40)
    expected = split.load(8, 1).images
    assert (images == expected[shuffled(40, rng())]).all()
    assert sorted(images[:, 0, 0, 0].tolist()) == list(range(40))
    assert (labels is None) == (kind != "lmdb")
    assert source.fingerprint == Stream(split, 8, 1).fingerprint
    assert source.fingerprint != Stream(split, 6, 1).fingerprint
    assert source.fingerprint != Stream(split.subset(np.arange(39)), 8, 1).fingerprint


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
def test_memory_does_not_grow_while_a_stream_is_read(png, tmp_path):
    content = png(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for i in range(4000):
            member = tarfile.TarInfo(f"{i}.png")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    split = open_data(tmp_path / "x.tar").train
    grown = []
    for batch in (50, 2000):  # images of 48 kB: what a stream holds is a batch and a chunk, and can be seen
        read = 0
        before = highest = resident()
        for images, _ in Stream(split, 128, 3, workers=1).epoch(rng(), batch):
            read += images.nbytes
            del images
            highest = max(highest, resident())
        grown.append(highest - before)
    assert read == 4000 * 128 * 128 * 3  # 197 MB
    assert grown[0] < 40e6
    assert grown[1] > 80e6  # the measure does see a batch of 98 MB


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_subset_streams_its_own_images_alone(split):
    part = split.subset(np.arange(20, 60))
    assert sorted(numbers(next(Stream(part, 8, 3, workers=1).epoch(rng(), 40))[0])) == list(range(20, 60))


def test_a_sample_is_drawn_without_replacement(split):
    for source in (Stream(split, 8, 3, workers=1), InMemory(split.load(8, 3).images, split.labels)):
        images, labels = source.sample(40, rng())
        found = numbers(images)
        assert len(set(found)) == 40
        assert (labels == (np.array(found) >= 100)).all()
        assert len(source.sample(1000, rng())[0]) == N


@pytest.fixture
def damaged(tree, png):
    """200 images, of which 2 cannot be read."""
    files = {f"{i:03}.png": png(i) for i in range(200)}
    return tree(files | {"050.png": b"", "120.png": b"<html>"})


def test_a_damaged_image_is_replaced_by_the_next_of_its_batch_whatever_came_before(damaged):
    split = open_data(damaged).train
    source = Stream(split, 8, 1, workers=2)
    whole = list(source.epoch(rng(), 20))
    order = shuffled(200, rng())
    assert {item.name for item in source.skipped} == {"050.png", "120.png"}
    for k, (pixels, _) in enumerate(whole):
        for j, wanted in enumerate(order[20 * k : 20 * k + 20]):
            following = [w for w in np.roll(order[20 * k : 20 * k + 20], -j) if w not in (50, 120)]
            assert (pixels[j] == following[0]).all(), wanted
    assert same(whole[6:], Stream(split, 8, 1, workers=1).epoch(rng(), 20, 6))
    assert same(whole, source.epoch(rng(), 20))
    assert len(source.skipped) == 2  # counted once, however often they are met


def test_more_than_one_percent_damaged_images_stop_the_stream(damaged, refused):
    (damaged / "130.png").write_bytes(b"")
    source = Stream(open_data(damaged).train, 8, 1, workers=1)
    assert "over 1% of 200" in refused(list, source.epoch(rng(), 20))


def test_a_batch_without_one_readable_image_is_refused(damaged, refused):
    source = Stream(open_data(damaged).train, 8, 1, workers=1)
    at = int(np.flatnonzero(shuffled(200, rng()) == 50)[0])
    assert "none of 1 images" in refused(list, islice(source.epoch(rng(), 1, at), 1))


def test_a_remark_is_a_note(tree, png):
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (1, 2, 3, 0)).save(file, "PNG")
    source = Stream(open_data(tree({"a.png": png(1), "b.png": file.getvalue()})).train, 8, 1, workers=1)
    list(source.epoch(rng(), 2))
    assert "transparent" in source.notes[0]
    assert "b.png" in source.notes[0]


class Drawn:
    """A plugin's pixels: image i is filled with i, and some cannot be read."""

    def __len__(self) -> int:
        return 100

    def load(self, indices, image_size, channels, _what, _progress):
        from gan_probe.data.model import Loaded, Skipped

        kept = np.flatnonzero(indices != 7)
        images = np.ones((len(indices), image_size, image_size, channels), np.uint8)
        images *= indices[:, None, None, None].astype(np.uint8)
        return Loaded(images[kept], kept, (Skipped("seven", "odd"),) * int(7 in indices))

    def shapes(self, indices):
        return [(8, 8, 1)] * len(indices)


def test_pixels_of_a_plugin_stream_too():
    source = Stream(Split("drawn", Drawn()), 8, 1)
    found = [int(image[0, 0, 0]) for images, _ in source.epoch(rng(), 10) for image in images]
    assert set(found) == set(range(100)) - {7}
    assert [item.reason for item in source.skipped] == ["odd"]
    assert source.fingerprint.startswith("sample:")


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: N * 8 * 8 * 3)


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
    from gan_probe.training.decoded import decoded

    before = decoded(open_data(root).train, 8, 1, store, None)
    size = (root / "3.png").stat().st_size
    (root / "3.png").write_bytes(png(99))
    assert (root / "3.png").stat().st_size == size
    after = decoded(open_data(root).train, 8, 1, store, None)
    assert before.pixels.images[3, 0, 0, 0] == 3
    assert after.pixels.images[3, 0, 0, 0] == 99


def test_what_was_decoded_keeps_labels_and_lists_what_was_not_readable(tree, png, tmp_path):
    from gan_probe.training.decoded import decoded

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


def test_a_place_that_cannot_be_opened_is_one_line(tmp_path, refused):
    from gan_probe.data.archives import Archive

    (tmp_path / "x.zip").write_bytes(b"no")
    with Decoders(Archive(tmp_path / "x.zip"), 8, 1, 1) as decoders:
        assert "not a zip archive" in refused(list, decoders.decode([["a"]]))


def test_a_process_that_is_killed_is_one_line(folder, refused):
    with Decoders(Folder(folder), 8, 3, 1) as decoders:
        decoders._processes[0].kill()
        assert "has ended" in refused(list, decoders.decode([["a/000.png"]] * 3))


def test_long_addresses_do_not_stop_the_pipe(folder):
    names = [["/".join(["."] * 2000) + "/a/000.png"] * 128] * 6  # half a megabyte a question
    with Decoders(Folder(folder), 8, 3, 2) as decoders:
        assert sum(len(images) for images, _ in decoders.decode(names)) == 6 * 128


def test_no_process_is_left_behind(split, monkeypatch):
    entered, enter = [], Decoders.__enter__
    monkeypatch.setattr(Decoders, "__enter__", lambda self: entered.append(self) or enter(self))
    batches = Stream(split, 8, 3, workers=2).epoch(rng(), 10)
    next(batches)
    batches.close()
    assert [process.returncode is not None for process in entered[0]._processes] == [True, True]


def test_processes_end_with_a_parent_that_is_killed(folder):
    code = """
import sys, numpy as np
from gan_probe.data import open_data
from gan_probe.training.stream import Stream
batches = Stream(open_data(sys.argv[1]).train, 8, 3, workers=1).epoch(np.random.default_rng(0), 10)
next(batches)
print(*[p.pid for p in __import__("gc").get_objects() if isinstance(p, __import__("subprocess").Popen)], flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while time.monotonic() < until and os.path.exists(f"/proc/{worker}"):
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{worker}")


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
