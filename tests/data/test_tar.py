"""Tar archives against Python's own tarfile, and against strangers."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.data import open_data
from gan_probe.data.tar import members
from gan_probe.errors import BadInputError

from .tars import FORMATS, packed


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
    start = time.process_time()  # of this process: others' load is no hang
    refused(open_data, tmp_path / "x.tar")
    assert time.process_time() - start < 1


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
