from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.data import open_data
from gan_probe.data.labels import encode, labeller

FACES = ["25_0_1_00001.jpg", "30_1_0_00002.jpg", "7_1_4_00003.jpg"]


@given(
    st.lists(st.one_of(st.lists(st.integers(-9, 99)), st.lists(st.text("ab19", min_size=1, max_size=2))), min_size=1)
)
def test_labels_decode_to_what_was_encoded(parts):
    ids, classes = encode([np.array(part) for part in parts if part])
    decoded = [[classes[i] for i in number.tolist()] for number in ids]
    assert decoded == [[str(value) for value in part] for part in parts if part]


def test_whole_numbers_sort_as_numbers_and_text_as_text():
    assert encode([np.array(["10", "9", "1"])])[1] == ("1", "9", "10")
    assert encode([np.array(["10", "9", "x"])])[1] == ("10", "9", "x")
    assert encode([np.array([b"b", b"a"])])[1] == ("a", "b")


def test_a_group_of_a_regular_expression_is_the_label(tree, png):
    root = tree({name: png(i, "JPEG") for i, name in enumerate(FACES)})
    images = open_data(root, labels=r"^\d+_(\d)_").train.load(8, 1)
    assert (images.classes, images.labels.tolist()) == (("0", "1"), [0, 1, 1])
    named = open_data(root, labels=r"^(\d+)_(?P<label>\d)_").train
    assert named.labels.tolist() == [0, 1, 1]


def test_the_whole_relative_name_is_searched(tree, png):
    root = tree({"train/x_1.png": png(), "train/y_2.png": png(), "test/x_3.png": png()})
    data = open_data(root, labels="/(.)_")
    assert data.train.classes == ("x", "y")
    assert data.test.labels.tolist() == [0]


def test_files_without_a_label_are_left_out_and_counted(tree, png):
    root = tree({**{name: png(1, "JPEG") for name in FACES}, "61_20170109.jpg": png(9, "JPEG")})
    train = open_data(root, labels=r"^\d+_(\d)_\d_").train
    assert len(train) == 3
    assert "1 of 4 files have no label" in train.notes[0]
    assert "61_20170109.jpg" in train.notes[0]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("pose", "0 groups"),
        ("(a)(b)", "2 groups"),
        ("(", "no regular expression"),
        ("(zzz)", "labels no file"),
        ("", "0 groups"),
    ],
)
def test_an_expression_that_gives_no_label_is_refused(tree, png, refused, spec, says):
    assert says in refused(open_data, tree({"a.png": png()}), labels=spec)


def test_a_csv_gives_labels_by_name(tree, png, tmp_path):
    root = tree({"a/1.png": png(1), "b/2.png": png(2), "b/3.png": png(3)})
    (tmp_path / "labels.csv").write_text("\ufefffile,age,label\na/1.png,5,cat\n2.png,6,dog\n", "utf-8")
    images = open_data(root, labels=str(tmp_path / "labels.csv")).train.load(8, 1)
    assert images.classes == ("cat", "dog")
    assert images.images[:, 0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "first line"),
        (b"1.png,cat\n", "first line"),
        (b"file,label\n1.png\n", "line 2"),
        (b"file,label\n1.png,cat\n1.png,dog\n", "line 3"),
        (b'file,label\n"' + b"x" * 200_000, "field"),
        (b"\xff\xfe\x00\x01", "first line"),
    ],
)
def test_a_csv_that_is_no_list_of_labels_is_refused(tree, png, tmp_path, refused, content, says):
    (tmp_path / "labels.csv").write_bytes(content)
    assert says in refused(open_data, tree({"1.png": png()}), labels=str(tmp_path / "labels.csv"))


def test_a_missing_csv_and_a_fifo_are_refused(tmp_path, refused):
    assert "no such file" in refused(labeller, str(tmp_path / "gone.csv"))
    os.mkfifo(tmp_path / "fifo.csv")
    assert "no such file" in refused(labeller, str(tmp_path / "fifo.csv"))
