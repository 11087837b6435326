"""Images read from the disk while they are trained on: their pixels, damage among them, memory and processes."""

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

import numpy as np
import pytest
from PIL import Image

from gan_probe.data import Split, open_data
from gan_probe.data.decoders import Decoders
from gan_probe.training.order import shuffled
from gan_probe.training.stream import Stream

from .numbered import N, numbers, rng, same


def test_a_stream_has_the_pixels_of_the_images_in_memory(split):
    images = split.load(6, 1)
    order = shuffled(N, rng())
    for k, (pixels, labels) in enumerate(Stream(split, 6, 1, workers=1).epoch(rng(), 100)):
        chosen = order[100 * k : 100 * k + 100]
        assert (pixels == images.images[chosen]).all()
        assert (labels == images.labels[chosen]).all()


@pytest.mark.parametrize(("batch", "workers"), [(7, 3), (200, 3)])
def test_batches_do_not_depend_on_the_processes(split, batch, workers, monkeypatch):
    expected = list(Stream(split, 8, 3, workers=1).epoch(rng(), batch))
    monkeypatch.setattr("gan_probe.training.stream.CHUNK", 16)
    assert same(expected, Stream(split, 8, 3, workers=workers).epoch(rng(), batch))


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


def test_a_subset_streams_its_own_images_alone(split):
    part = split.subset(np.arange(20, 60))
    assert sorted(numbers(next(Stream(part, 8, 3, workers=1).epoch(rng(), 40))[0])) == list(range(20, 60))


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
