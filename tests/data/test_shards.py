"""Tar archives and WebDataset's shards, against Python's own tarfile, and against strangers."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.data import describe, open_data
from gan_probe.data.packed import PackedNames
from gan_probe.data.shards import expand
from gan_probe.data.tar import members
from gan_probe.errors import BadInputError

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
Write = Callable[..., Path]


def packed(files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def shard(tmp_path) -> Write:
    def write(name: str, files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(files, form))
        return path

    return write


def listed(content: bytes, folder: Path) -> list:
    path = folder / "listed.tar"
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file:
        return list(members(file, "x.tar"))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=150)


@pytest.mark.parametrize("form", FORMATS)
def test_members_are_those_that_tarfile_finds(form, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tar")

    @given(st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=1500), max_size=5))
    def check(files):
        try:
            content = packed({"first": b"1"} | files, FORMATS[form])
        except (ValueError, UnicodeError):
            return  # this format cannot hold such a name
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            expected = [(m.name, m.offset_data, m.size) for m in tar if m.isfile()]
        found = listed(content, folder)
        assert [(m.name, m.offset, m.size) for m in found if not m.name.endswith("/")] == expected
        assert not any(m.fault for m in found)

    check()


@given(st.lists(st.text(st.characters(), max_size=20)))
def test_packed_names_are_those_put_in(names):
    found = PackedNames(names)
    assert list(found) == names
    assert [found[i] for i in range(-len(names), 0)] == found[:] == names
    with pytest.raises(IndexError):
        found[len(names)]


@pytest.mark.parametrize("form", FORMATS)
def test_an_archive_reads_as_the_folder_of_the_same_files(tree, png, shard, form):
    files = {"test/a/1.png": png(1), "train/a/3.png": png(3), "train/b/0.png": b"", "train/b/2.png": png(2)}
    folder, tar = (
        open_data(tree(files)),
        open_data(shard("x.tar", {f"./{n}": c for n, c in files.items()}, FORMATS[form])),
    )
    for part in ("train", "test"):
        expected, images = getattr(folder, part).load(8, 1), getattr(tar, part).load(8, 1)
        assert images.fingerprint == expected.fingerprint
        assert (images.classes, images.skipped) == (expected.classes, expected.skipped)


def test_shards_of_a_range_or_a_folder_are_one_set(png, shard, tmp_path):
    for i in range(3):
        shard(f"s/x-{i:02}.tar", {f"{k}.png": png(10 * i + k) for k in range(2)})
    shard("s/.hidden.tar", {"9.png": png(99)})
    for spec in (str(tmp_path / "s" / "x-{00..02}.tar"), tmp_path / "s"):
        data = open_data(spec)
        assert data.train.load(8, 1).images[:, 0, 0, 0].tolist() == [0, 1, 10, 11, 20, 21]
        assert (data.train.labels, data.test) == (None, None)
        assert data.train.pixels.reader.names[2] == "x-01.tar/0.png"
    assert data.name == "s"
    assert open_data(str(tmp_path / "s" / "x-{00..01}.tar")).name == "x"
    assert len(open_data(str(tmp_path / "s" / "x-{02..02}.tar")).train) == 2


def test_a_missing_shard_is_named(png, shard, tmp_path, refused):
    shard("x-0.tar", {"a.png": png()})
    assert "x-1.tar: No such file" in refused(open_data, str(tmp_path / "x-{0..1}.tar"))


def test_a_file_with_braces_in_its_name_is_that_file(png, shard):
    assert len(open_data(str(shard("x-{0..1}.tar", {"a.png": png()}))).train) == 1


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{0..0}.tar", ["0.tar"]),
        ("a-{0..3}.zip", []),
        ("a-{a..b}.tar", []),
    ],
)
def test_ranges(spec, found):
    assert expand(spec) == found


@pytest.mark.parametrize("spec", ["{5..2}.tar", "{0..999999999}.tar"])
def test_a_range_that_makes_no_sense_is_refused(spec, refused):
    assert "the range must go up" in refused(expand, spec)


def test_classes_stand_beside_the_images(png, shard):
    files = {
        "a/001.cls": b"10",
        "a/001.png": png(1),
        "a/002.png": png(2),
        "a/002.cls": b"9\n",
        "a/003.jpg": png(3, "JPEG"),
        "a/003.json": json.dumps({"caption": "x", "label": 10}).encode(),
    }
    train = open_data(shard("x.tar", files)).train
    assert train.classes == ("9", "10")
    assert train.labels.tolist() == [1, 0, 1]


def test_images_of_one_example_share_its_class(png, shard):
    train = open_data(
        shard("x.tar", {"1.cls": b"a", "1.left.png": png(1), "1.right.png": png(2), "2.cls": b"b", "2.png": png(3)})
    ).train
    assert [train.classes[i] for i in train.labels] == ["a", "a", "b"]


@pytest.mark.parametrize(
    "odd", [b"", b"{", b"[1]", b'{"label": [1]}', b"[" * 60_000, b'{"label": "' + b"x" * 70_000 + b'"}']
)
def test_an_image_without_a_class_leaves_the_set_unlabelled_and_is_named(png, shard, odd):
    train = open_data(shard("x.tar", {"1.cls": b"a", "1.png": png(), "2.json": odd, "2.png": png()})).train
    assert train.labels is None
    assert "1 images are in no class (first: 2.png)" in train.notes[0]


def test_shards_named_by_split_are_splits(png, shard, tmp_path):
    for name, level in {"imagenet-train-0": 1, "imagenet-train-1": 2, "imagenet-val-0": 3}.items():
        shard(f"s/{name}.tar", {"a.cls": str(level).encode(), "a.png": png(level)})
    data = open_data(tmp_path / "s")
    assert [split["n"] for split in describe(data)["splits"]] == [2, 1]
    assert data.train.load(8, 1).images[:, 0, 0, 0].tolist() == [1, 2]
    assert data.test.labels.tolist() == [2]
    assert data.test.classes == ("1", "2", "3")


def test_labels_may_come_from_the_names(png, shard):
    train = open_data(shard("x.tar", {"a_1.png": png(), "b_2.png": png()}), labels="^(.)_").train
    assert train.classes == ("a", "b")


def test_links_devices_and_escapes_are_skipped_and_nothing_is_written(png, tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("a.png", "../x.png", "/abs.png", "a/../../y.png", "C:/z.png", "__MACOSX/b.png", ".c.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png(1))
            tar.addfile(info, io.BytesIO(png(1)))
        for name, kind in {
            "l.png": tarfile.SYMTYPE,
            "h.png": tarfile.LNKTYPE,
            "f.png": tarfile.FIFOTYPE,
            "d.png": tarfile.CHRTYPE,
        }.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/passwd", 10**9
            tar.addfile(info)
    before = sorted(tmp_path.rglob("*"))
    images = open_data(path).train.load(8, 1)
    assert len(images) == 1
    assert len(images.skipped) == 8
    assert {item.reason for item in images.skipped} == {"its path leaves the archive", "a link", "a device", "a FIFO"}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_million_links_are_counted_not_listed(png, tmp_path, monkeypatch):
    monkeypatch.setattr("gan_probe.data.shards.MAX_SKIPPED", 3)
    (tmp_path / "x.tar").write_bytes(packed({"a.png": png()} | {f"/{i}.png": b"" for i in range(8)}))
    skipped = open_data(tmp_path / "x.tar").train.skipped
    assert [item.name for item in skipped] == ["x.tar//0.png", "x.tar//1.png", "x.tar//2.png", "5 more"]


def header(size: bytes, kind: bytes = b"0", name: bytes = b"a.png") -> bytes:
    """A header with the right checksum, whatever it states."""
    raw = bytearray(tarfile.TarInfo(name.decode()).tobuf(tarfile.GNU_FORMAT))
    raw[124:136], raw[156:157] = size.ljust(12, b"\0"), kind
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw):06o}\0 ".encode()
    return bytes(raw)


@pytest.mark.parametrize(
    "content",
    [
        header(b"77777777777") + bytes(512),  # 8 GB in a kilobyte
        header(b"\x80" + b"\xff" * 11) + bytes(512),
        header(b"\xff" * 12) + bytes(512),  # a negative size, on which tarfile once went in circles
        header(b"-1") + bytes(512),
        header(b"1_0") + bytes(1024),
        header(b"12x") + bytes(512),
        header(b"77777777", b"L") + bytes(512),
        header(b"200000", b"x") + bytes(2**17),
        header(b"20", b"x") + b"11 size=-5\n".ljust(512, b"\0") + header(b"0"),
        header(b"20", b"x") + b"0 path=x\n".ljust(512, b"\0") + header(b"0"),
        header(b"20", b"x") + b"-9 path=x\n".ljust(512, b"\0") + header(b"0"),
        header(b"20", b"x") + b"99999999999999 path=x\n".ljust(512, b"\0") + header(b"0"),
        b"",
        b"x" * 2000,
        bytes(5000),
        b"<html>" + b" " * 600,
    ],
)
def test_a_hostile_archive_is_one_line_at_once(tmp_path, refused, content):
    (tmp_path / "x.tar").write_bytes(content)
    start = time.monotonic()
    refused(open_data, tmp_path / "x.tar")
    assert time.monotonic() - start < 1


def test_a_member_of_a_huge_claim_costs_nothing(tmp_path, png):
    """A sparse file on disk, whose member claims what it has: 8 GB of nothing."""
    path = tmp_path / "x.tar"
    with path.open("wb") as file:
        file.write(packed({"a.png": png(1)})[:1024])
        file.write(header(b"77777777777", name=b"b.png"))
        file.truncate(file.tell() + 8 * 2**30)
    images = open_data(path).train.load(8, 1)
    assert "more than the limit" in images.skipped[0].reason


def test_every_truncation_is_one_line_unless_it_lies_between_members(png, tmp_path, refused):
    whole = packed({"a.png": png(1), "b.png": png(2)})
    path = tmp_path / "x.tar"
    for cut in [*range(1, 2048, 37), 1024, 2048]:
        path.write_bytes(whole[:cut])
        if cut in (1024, 2048):  # whole files, without the end's mark
            assert len(open_data(path).train) == cut // 1024
        else:
            refused(open_data, path)


@given(st.integers(0, 2047), st.integers(0, 255))
def test_a_damaged_byte_is_a_fault_that_is_told_or_none(tmp_path_factory, at, value):
    content = bytearray(packed({"a.cls": b"1", "a.txt": b"2"}))
    content[at] = value
    with suppress(BadInputError):  # and nothing else
        listed(bytes(content), tmp_path_factory.getbasetemp())


def test_sparse_members_are_skipped(tmp_path, refused):
    (tmp_path / "x.tar").write_bytes(header(b"0", b"S") + bytes(1024))
    assert "no images" in refused(open_data, tmp_path / "x.tar")


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "x.tar"])
def test_a_compressed_archive_says_what_to_do(png, tmp_path, refused, name):
    (tmp_path / name).write_bytes(gzip.compress(packed({"a.png": png()})))
    assert "gunzip it first" in refused(open_data, tmp_path / name)


def test_a_fifo_among_shards_does_not_hang(tmp_path, refused):
    os.mkfifo(tmp_path / "x-0.tar")
    (tmp_path / "x-1.tar").write_bytes(packed({}))
    assert "not a regular file" in refused(open_data, str(tmp_path / "x-{0..1}.tar"))


def test_an_archive_that_became_shorter_loses_its_images_only(png, shard):
    path = shard("x.tar", {f"{i}.png": png(i) for i in range(3)})
    split = open_data(path).train
    with path.open("r+b") as file:
        file.truncate(1024 * 2 + 520)
    assert "shorter" in split.load(8, 1).skipped[0].reason


def test_members_of_one_archive_are_read_by_their_own_bytes(png, shard):
    levels = np.random.default_rng(0).permutation(100)
    split = open_data(shard("x.tar", {f"{i:03}.png": png(int(level)) for i, level in enumerate(levels)})).train
    chosen = np.random.default_rng(1).permutation(100)[:30]
    assert split.subset(chosen).load(8, 1).images[:, 0, 0, 0].tolist() == levels[chosen].tolist()
