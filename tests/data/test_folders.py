from __future__ import annotations

import os
import socket

import numpy as np
import pytest

from gan_probe.data import describe, open_data
from gan_probe.data.folders import REPORT, folder_images
from gan_probe.data.layout import arrange
from gan_probe.report.folder import MANIFEST

NASTY = ["<script>alert(1)<script>.png", "=HYPERLINK(1).png", "a\nb.png", "\u202egnp.png", "\x1b[31m.png", "é.png"]


def test_class_folders_give_labels_in_sorted_order(tree, png):
    data = open_data(tree({"b/1.png": png(1), "a/2.png": png(2), "a/x/3.jpg": png(3, "JPEG"), "README.md": b"no"}))
    images = data.train.load(8, 1)
    assert images.classes == ("a", "b")
    assert images.labels.tolist() == [0, 0, 1]
    assert images.images[:, 0, 0, 0].tolist() == [2, 3, 1]
    assert data.test is None


@pytest.mark.parametrize(
    ("names", "train", "test"),
    [
        (["train/a/1", "train/b/2", "test/a/3"], [0, 1], [2]),
        (["Train/1", "val/2", "val/3"], [0], [1, 2]),
        (["all/train/a/1", "all/valid/b/2"], [0], [1]),
        (["test/a/1", "test/b/2"], [0, 1], None),
        (["train/a/1", "train/b/2"], [0, 1], None),
        (["a/1", "b/2"], [0, 1], None),
        (["a/train/1", "b/train/2"], [0, 1], None),
        (["boat/1", "car/2", "train/3"], [0, 1, 2], None),
        (["boat/1", "test/2", "train/3"], [0, 1, 2], None),
    ],
)
def test_splits_are_recognised(names, train, test):
    parts, notes = arrange(names)
    assert [part.indices.tolist() for part in parts] == [train] + ([test] if test else [])
    assert notes == []


def test_images_beside_the_splits_are_left_out_by_name():
    parts, notes = arrange(["train/a/1", "test/a/2", "val/a/3", "4"])
    assert [part.indices.tolist() for part in parts] == [[0], [1]]
    assert [note.split(" left")[0] for note in notes] == ["1 images in val", "1 images in the top folder"]


def test_a_folder_around_everything_is_no_class(tree, png):
    assert open_data(tree({"images/1.png": png(), "images/2.png": png()})).train.labels is None


def test_a_class_called_train_is_a_class(tree, png):
    data = open_data(tree({"train/1.png": png(), "car/2.png": png(), "boat/3.png": png()}))
    assert data.train.classes == ("boat", "car", "train")
    assert data.train.labels.tolist() == [0, 1, 2]


def test_the_figures_of_our_own_reports_are_no_data(tree, png):
    report = {"r/.gan-probe-report": b"", "r/figures/grid.png": png()}
    data = open_data(tree({"a/1.png": png(), "b/2.png": png(), **report}))
    assert data.train.classes == ("a", "b")
    assert [s.name for s in data.train.skipped] == ["r/"]
    assert REPORT == MANIFEST


def test_images_outside_class_folders_leave_the_split_unlabelled_and_are_named(tree, png):
    train = open_data(tree({"a/1.png": png(), "b/2.png": png(), "stray.png": png()})).train
    assert train.labels is None
    assert "stray.png" in train.notes[0]


def test_splits_share_their_classes(tree, png):
    data = open_data(
        tree({"train/a/1.png": png(), "train/c/2.png": png(), "test/b/3.png": png(), "test/c/4.png": png()})
    )
    assert data.train.classes == data.test.classes == ("a", "b", "c")
    assert data.test.labels.tolist() == [1, 2]


def test_describe_counts_images_by_class(tree, png):
    description = describe(open_data(tree({"a/1.png": png(), "a/2.png": png(), "b/3.png": png()})))
    assert description["splits"] == [
        {"name": "set", "n": 3, "classes": {"a": 2, "b": 1}, "skipped": [], "notes": []},
    ]


def test_describe_gives_no_classes_to_what_has_no_labels(tree, png):
    assert describe(open_data(tree({"1.png": png()})))["splits"][0]["classes"] == {}


def test_the_native_shape_is_read_from_headers(tree, png):
    grey, colour = np.zeros((20, 30), np.uint8), np.zeros((40, 24, 3), np.uint8)
    root = tree({"1.png": png(grey), "2.png": png(grey), "3.jpg": b"<html>"})
    assert open_data(root).train.native_shape() == (20, 1)
    root = tree({"4.png": png(colour), "5.png": png(colour), "6.jpg": png(colour, "JPEG")})
    assert open_data(root).train.native_shape() == (24, 3)
    assert open_data(root).train.subset(np.array([0, 1])).native_shape() == (20, 1)


def test_without_a_readable_header_there_is_no_native_shape(tree, refused):
    assert "can be read" in refused(open_data(tree({"a.png": b""})).train.native_shape)


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"x"}, {".hidden/a.png": b"x"}])
def test_a_folder_without_images_is_refused(tree, refused, files):
    assert "no images" in refused(open_data, tree(files))


def test_nothing_is_opened_before_load(tree, monkeypatch):
    root = tree({f"{i}.png": b"damaged" for i in range(3)})
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("a file was opened"))
    assert len(open_data(root).train) == 3


def test_links_are_skipped_and_named(tree, png, tmp_path):
    root = tree({"a.png": png(1)})
    (tmp_path / "sibling").mkdir()
    (tmp_path / "sibling" / "private.png").write_bytes(png(99))
    (root / "loop").symlink_to(root)
    (root / "dangling.png").symlink_to(root / "gone.png")
    (root / "out.png").symlink_to(tmp_path / "sibling" / "private.png")
    (root / "sibling").symlink_to(tmp_path / "sibling")
    images = open_data(root).train.load(8, 1)
    assert images.images[:, 0, 0, 0].tolist() == [1]
    assert [item.name for item in images.skipped] == ["dangling.png", "loop", "out.png", "sibling"]


def test_a_folder_of_links_alone_says_so(tree, png, refused):
    root = tree({"x/a.txt": png()})
    (root / "a.png").symlink_to(root / "x" / "a.txt")
    assert "1 links or special files were skipped" in refused(open_data, root)


def test_the_named_folder_itself_may_be_a_link(tree, png, tmp_path):
    (tmp_path / "link").symlink_to(tree({"a.png": png(5)}))
    assert len(open_data(tmp_path / "link").train) == 1


def test_fifos_and_sockets_are_never_opened(tree, png, monkeypatch):
    root = tree({"a.png": png()})
    os.mkfifo(root / "fifo.png")
    monkeypatch.chdir(root)  # a socket's path is limited to about 100 characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        images = open_data(root).train.load(8, 1)
    assert [(item.name, item.reason) for item in images.skipped] == [
        ("fifo.png", "not a regular file"),
        ("socket.png", "not a regular file"),
    ]


@pytest.mark.parametrize("kind", ["fifo", "link", "gone"])
def test_what_became_of_a_file_since_it_was_listed_cannot_hang_or_redirect(tree, png, tmp_path, kind):
    root = tree({"a.png": png(1), "b.png": png(2)})
    (tmp_path / "private.png").write_bytes(png(99))
    split = open_data(root).train
    (root / "b.png").unlink()
    if kind == "fifo":
        os.mkfifo(root / "b.png")
    elif kind == "link":
        (root / "b.png").symlink_to(tmp_path / "private.png")
    images = split.load(8, 1)
    assert images.images[:, 0, 0, 0].tolist() == [1]
    assert [item.name for item in images.skipped] == ["b.png"]


def test_a_device_is_no_data(refused):
    assert "not data" in refused(open_data, os.devnull)


def test_hostile_names_are_read_and_shown_printable(tree, png):
    names = [*NASTY, os.fsdecode(b"\xff\xfe.png")]
    root = tree({f"{name}/{name}": png(i) for i, name in enumerate(names)})
    (root / os.fsdecode(b"bad\xff.png")).symlink_to("nowhere")
    images = open_data(root).train.load(8, 1)
    assert len(images) == len(names)
    shown = [*images.classes, *(item.name for item in images.skipped), *images.notes]
    for text in shown:
        assert text.isprintable()
        text.encode("utf-8")
    assert "bad\\udcff.png" in shown


def test_errors_about_hostile_names_are_one_printable_line(tree, refused):
    for name in [*NASTY, os.fsdecode(b"\xff.png"), "x" * 250 + ".png"]:
        root = tree({name: b""})
        refused(open_data(root).train.load, 8, 1)
        (root / name).unlink()


def test_listing_is_sorted_whatever_the_file_system_says(tree, png):
    reader, _ = folder_images(tree({name: png() for name in ["b/1.png", "a/2.png", "c.png", "a/10.png"]}))
    assert list(reader.names) == ["a/10.png", "a/2.png", "b/1.png", "c.png"]


def test_an_unreadable_folder_is_one_line(tree, png, refused, monkeypatch):
    root = tree({"a/1.png": png()})

    def scandir(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    assert "Permission denied" in refused(open_data, root)


def test_a_selection_decodes_only_its_own_files(tree, png):
    split = open_data(tree({f"{i}.png": png(i) if i < 3 else b"damaged" for i in range(9)})).train
    assert split.subset(np.array([2, 0])).load(8, 1).images[:, 0, 0, 0].tolist() == [2, 0]
