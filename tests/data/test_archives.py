from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan_probe.data import open_data
from gan_probe.data.archives import MAX_RATIO


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    def write(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in files.items():
                file.writestr(name, content)
        return path

    return write


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_reads_as_the_folder_of_the_same_files(tree, png, archive, compression):
    files = {"test/a/1.png": png(1), "train/b/2.png": png(2), "train/a/3.png": png(3), "train/b/0.png": b""}
    folder, zipped = open_data(tree(files)), open_data(archive(files, compression))
    for part in ("train", "test"):
        expected, images = getattr(folder, part).load(8, 1), getattr(zipped, part).load(8, 1)
        assert images.fingerprint == expected.fingerprint
        assert (images.classes, images.skipped) == (expected.classes, expected.skipped)


def test_members_that_leave_the_archive_and_links_are_skipped(png, archive, tmp_path):
    path = archive(
        {"a.png": png(1), "../x.png": png(2), "/abs.png": png(3), "a/../../y.png": png(4), "C:/z.png": png(5)}
    )
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "a.png")
    before = sorted(tmp_path.rglob("*"))
    images = open_data(path).train.load(8, 1)
    assert images.images[:, 0, 0, 0].tolist() == [1]
    assert {item.name for item in images.skipped} == {"../x.png", "/abs.png", "a/../../y.png", "C:/z.png", "link.png"}
    assert sorted(tmp_path.rglob("*")) == before


def test_what_macos_adds_is_ignored(png, archive):
    data = open_data(archive({"a/1.png": png(), "b/2.png": png(), "__MACOSX/a/._1.png": b"x", "a/._1.png": b"x"}))
    assert len(data.train) == 2
    assert data.train.classes == ("a", "b")


def test_an_encrypted_archive_is_refused(png, archive, refused):
    path = archive({"a.png": png()})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    assert "encrypted" in refused(open_data, path)


def test_a_zip_bomb_is_refused_by_its_claim(archive, refused):
    path = archive({"a.png": bytes(100 * 2**20)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100 * 2**20 / MAX_RATIO
    assert "zip bomb" in refused(open_data, path)


def test_a_member_that_claims_less_than_it_holds_is_read_no_further_than_its_claim(png, archive):
    path = archive({"a.png": png(1), "b.png": b"B" * 50_000_000}, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace((50_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    images = open_data(path).train.load(8, 1)
    assert [item.name for item in images.skipped] == ["b.png"]


def test_a_member_above_the_limit_is_skipped(png, archive, monkeypatch):
    monkeypatch.setattr("gan_probe.data.archives.MAX_BYTES", 1000)
    images = open_data(archive({"a.png": png(1), "b.png": bytes(1001)})).train.load(8, 1)
    assert "more than the limit" in images.skipped[0].reason


def test_a_flipped_bit_in_a_member_is_noticed(png, archive):
    noise = png(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    path = archive({"a.png": png(1), "b.png": noise})
    content = bytearray(path.read_bytes())
    content[content.index(noise) + 500] ^= 1
    path.write_bytes(bytes(content))
    images = open_data(path).train.load(8, 1)
    assert "CRC" in images.skipped[0].reason


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path, refused, content):
    (tmp_path / "x.zip").write_bytes(content)
    assert "not a zip archive" in refused(open_data, tmp_path / "x.zip")


def test_every_truncation_of_an_archive_is_one_line(png, archive, refused, tmp_path):
    content = archive({f"{i}/{i}.png": png(i) for i in range(3)}).read_bytes()
    for cut in range(0, len(content), 17):
        (tmp_path / "cut.zip").write_bytes(content[:cut])
        refused(open_data, tmp_path / "cut.zip")


def test_an_archive_without_images_is_refused(archive, refused):
    assert "no images" in refused(open_data, archive({"readme.txt": b"x"}))
