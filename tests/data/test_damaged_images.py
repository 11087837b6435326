from __future__ import annotations

import io
import struct
import time
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from gan_probe.data import open_data
from gan_probe.data.decode import MAX_PIXELS
from gan_probe.data.encoded import decode_one


def header_only_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def noise_png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


DAMAGED = {
    "truncated": (noise_png()[:300], "truncated"),
    "empty": (b"", "empty file"),
    "html": (b"\n<!DOCTYPE html><p>404", "HTML"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    "text": (b"hello", "not an image"),
    "bomb_30000": (header_only_png(30000, 30000), "pixels"),
    "bomb_13000": (header_only_png(13000, 13000), "pixels"),
    "bomb_9400": (header_only_png(9400, 9400), f"limit of {MAX_PIXELS:,}"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_image_among_many_is_skipped_and_listed(tree, png: Callable[..., bytes], kind):
    content, reason = DAMAGED[kind]
    files = {f"{label}/{i}.png": png(10 * label + i) for label in (0, 1) for i in range(5)}
    start = time.monotonic()
    images = open_data(tree({**files, "0/2.png": content})).train.load(8, 1)
    assert time.monotonic() - start < 5
    assert [item.name for item in images.skipped] == ["0/2.png"]
    assert reason in images.skipped[0].reason
    # the others keep their pixels and their labels
    assert images.images[:, 0, 0, 0].tolist() == [0, 1, 3, 4, 10, 11, 12, 13, 14]
    assert images.labels.tolist() == [0] * 4 + [1] * 5


def test_above_one_percent_loading_stops_and_names_the_first(tree, png, refused):
    files = {f"{i:03}.png": png(i % 256) for i in range(300)}
    three = {"100.png": b"", "200.png": b"x", "250.png": b""}
    assert len(open_data(tree({**files, **three})).train.load(8, 1).skipped) == 3  # exactly 1 %
    message = refused(open_data(tree({"260.png": b""})).train.load, 8, 1)
    assert "over 1% of 300" in message
    assert "100.png: empty file" in message


def test_a_set_without_one_readable_image_is_refused(tree, refused):
    message = refused(open_data(tree({"a.png": b""})).train.load, 8, 1)
    assert "a.png: empty file" in message


def test_the_outcome_does_not_depend_on_threads(tree, png, monkeypatch):
    files = {f"{i:03}.png": png(i % 256) for i in range(200)}
    data = open_data(tree({**files, "050.png": b"", "150.png": b"<html>"}))
    alone, many = (
        (monkeypatch.setattr("gan_probe.data.encoded.THREADS", threads), data.train.load(8, 3))[1] for threads in (1, 4)
    )
    assert (alone.fingerprint, alone.skipped, alone.notes) == (many.fingerprint, many.skipped, many.notes)


def test_every_truncation_of_an_image_is_a_fault_or_the_whole_picture():
    whole = noise_png()
    reference = np.asarray(Image.open(io.BytesIO(whole)))
    for cut in range(len(whole)):
        out = np.empty((16, 16, 3), np.uint8)
        fault, _ = decode_one(lambda _, cut=cut: whole[:cut], 0, out)
        assert fault or (out == reference).all()


def test_a_picture_below_the_limit_is_decoded(tree):
    file = io.BytesIO()
    Image.new("L", (3000, 2000), 7).save(file, "PNG")
    assert (open_data(tree({"large.png": file.getvalue()})).train.load(32, 3).images == 7).all()


def test_an_eps_file_under_an_image_name_is_not_handed_to_ghostscript(tree, refused):
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nquit\n"
    assert "not an image" in refused(open_data(tree({"a.png": eps})).train.load, 8, 1)


def test_a_jpeg_of_endless_scans_is_refused(tree, refused):
    file = io.BytesIO()
    Image.new("L", (512, 512)).save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    assert len(open_data(tree({"a.jpg": whole})).train.load(8, 1)) == 1
    start = time.monotonic()
    assert "scans" in refused(open_data(tree({"a.jpg": whole[:-2] + scan * 50_000 + whole[-2:]})).train.load, 8, 1)
    assert time.monotonic() - start < 2


def test_a_tiff_of_endless_pages_is_not_counted(tree):
    file = io.BytesIO()
    Image.new("L", (8, 8), 7).save(file, "TIFF", save_all=True, append_images=[Image.new("L", (8, 8))])
    pages = bytearray(file.getvalue())
    at = 4
    while (directory := struct.unpack_from("<I", pages, at)[0]) != 0:
        at = directory + 2 + 12 * struct.unpack_from("<H", pages, directory)[0]  # where the next one's address stands
    struct.pack_into("<I", pages, at, len(pages))
    chain = b"".join(struct.pack("<HI", 0, len(pages) + 6 * i) for i in range(1, 50_000)) + struct.pack("<HI", 0, 0)
    start = time.monotonic()
    images = open_data(tree({"a.tif": bytes(pages) + chain})).train.load(8, 1)
    assert time.monotonic() - start < 2
    assert (images.images == 7).all()


def test_the_callers_warning_filters_are_restored(tree, png):
    before = list(warnings.filters)
    open_data(tree({"a.png": png()})).train.load(8, 1)
    assert list(warnings.filters) == before


def test_progress_runs_up_to_the_number_of_images(tree, png):
    seen: list[tuple[int, int]] = []
    split = open_data(tree({f"{i:03}.png": png() for i in range(130)})).train
    split.load(8, 1, lambda done, total, _what: seen.append((done, total)))
    assert seen == [(64, 130), (128, 130), (130, 130)]
