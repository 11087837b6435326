"""Shards: which files are one set, and WebDataset's classes and splits within them."""

from __future__ import annotations

import json
import os

import pytest

from gan_probe.data import describe, open_data
from gan_probe.data.shards import expand

from .tars import FORMATS, packed


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


def test_a_million_links_are_counted_not_listed(png, tmp_path, monkeypatch):
    monkeypatch.setattr("gan_probe.data.shards.MAX_SKIPPED", 3)
    (tmp_path / "x.tar").write_bytes(packed({"a.png": png()} | {f"/{i}.png": b"" for i in range(8)}))
    skipped = open_data(tmp_path / "x.tar").train.skipped
    assert [item.name for item in skipped] == ["x.tar//0.png", "x.tar//1.png", "x.tar//2.png", "5 more"]


def test_a_fifo_among_shards_does_not_hang(tmp_path, refused):
    os.mkfifo(tmp_path / "x-0.tar")
    (tmp_path / "x-1.tar").write_bytes(packed({}))
    assert "not a regular file" in refused(open_data, str(tmp_path / "x-{0..1}.tar"))
