from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gan_probe.data import open_data

from ..runs import Runs

IMAGES = np.arange(6 * 8 * 8, dtype=np.uint32).astype(np.uint8).reshape(6, 8, 8, 1)


def npz(folder: Path, **arrays: object) -> Path:
    path = folder / "set.npz"
    np.savez_compressed(path, **arrays)
    return path


def npy_header(shape: str, dtype: str = "|u1") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def raw_npz(folder: Path, **members: bytes) -> Path:
    path = folder / "raw.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def test_splits_and_labels_of_an_npz_share_their_classes(tmp_path):
    labels = np.array([3, 7, 7, 3, 10, 10], np.uint8)
    path = npz(tmp_path, train_images=IMAGES, train_labels=labels, test_images=IMAGES[:2], test_labels=np.array([9, 3]))
    data = open_data(path)
    assert data.train.classes == data.test.classes == ("3", "7", "9", "10")
    assert data.train.labels.tolist() == [0, 1, 1, 0, 3, 3]
    assert data.test.labels.tolist() == [2, 0]
    assert data.train.labels.dtype == np.int64
    np.testing.assert_array_equal(data.train.load(8, 1).images, IMAGES)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_folder_of_arrays_is_mapped_not_read(tmp_path, order):
    np.save(tmp_path / "images.npy", IMAGES.copy(order))
    np.save(tmp_path / "labels.npy", np.array(["b", "a", "b", "a", "b", "a"]))
    data = open_data(tmp_path)
    assert isinstance(data.train.pixels.images, np.memmap)
    assert data.train.classes == ("a", "b")
    np.testing.assert_array_equal(data.train.load(8, 1).images, IMAGES)


def test_labels_names_another_key(tmp_path):
    path = npz(tmp_path, images=IMAGES, pose=np.array(["left", "up"] * 3), eyes=np.array([1, 0] * 3))
    unlabelled = open_data(path)
    assert unlabelled.train.labels is None
    assert "pose, eyes" in unlabelled.train.notes[0]
    assert open_data(path, labels="pose").train.classes == ("left", "up")
    assert open_data(path, labels="eyes").train.labels.tolist() == [1, 0] * 3


def test_an_unknown_key_lists_those_there_are(tmp_path, refused):
    assert "pose" in refused(open_data, npz(tmp_path, images=IMAGES, pose=np.arange(6)), labels="poses")


def test_images_of_two_axes_less_a_channel_are_grey(tmp_path):
    np.testing.assert_array_equal(open_data(npz(tmp_path, images=IMAGES[..., 0])).train.load(8, 1).images, IMAGES)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (IMAGES / np.float32(255), "float32, not uint8"),
        (np.full((6, 8, 8, 1), np.nan), "float64, not uint8"),
        (IMAGES.astype(np.int64), "int64, not uint8"),
        (IMAGES.astype(np.int8), "int8, not uint8"),
        (IMAGES.astype(complex), "complex128"),
        (np.zeros((6, 3, 8, 8), np.uint8), "(6, 3, 8, 8)"),
        (np.zeros((6, 8, 8, 4), np.uint8), "(6, 8, 8, 4)"),
        (np.zeros((6, 64), np.uint8), "(6, 64)"),
        (np.zeros((0, 8, 8, 1), np.uint8), "no images"),
        (np.zeros((6, 0, 8, 1), np.uint8), "no images"),
        (np.uint8(3), "()"),
        (np.zeros(6, [("a", "u1")]), "not uint8"),
    ],
)
def test_other_images_than_uint8_nhwc_are_refused_by_name(tmp_path, refused, images, says):
    assert says in refused(open_data, npz(tmp_path, images=images))
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "images.npy", images)
    assert says in refused(open_data, tmp_path / "folder")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.arange(6.0), "float64"),
        (np.full(6, np.nan), "float64"),
        (np.arange(5), "6 images but 5 labels"),
        (np.eye(6, dtype=int), "(6, 6)"),
        (np.int64(3), "()"),
    ],
)
def test_labels_that_are_no_labels_are_refused(tmp_path, refused, labels, says):
    assert says in refused(open_data, npz(tmp_path, images=IMAGES, labels=labels))


def test_arrays_of_objects_are_refused_and_run_nothing(tmp_path, refused):
    evil = np.array([Runs(tmp_path / "ran")], dtype=object)
    assert "could run code" in refused(open_data, npz(tmp_path, images=evil))
    assert "could run code" in refused(open_data, npz(tmp_path, images=IMAGES, labels=evil))
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / "images.npy", evil)
    assert "could run code" in refused(open_data, folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["set.npz", "images.npy"])
def test_a_pickle_under_an_arrays_name_is_refused_and_runs_nothing(tmp_path, refused, name):
    (tmp_path / name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    refused(open_data, tmp_path / name if name == "set.npz" else tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "header",
    [
        npy_header("(1000000, 1000000, 1000, 3)"),
        npy_header("(7, 8, 8, 1)"),
        npy_header("(5, 8, 8, 1)"),
        npy_header("(-6, 8, -8, 1)"),
        npy_header("(6, 8, 8, 1)", "<u2"),
        npy_header("(6, 8, 8, 1"),
        npy_header("6"),
        npy_header("(6, 8, 8, 1)", "nonsense"),
        npy_header("(" * 200),
        b"\x93NUMPY\x03\x00" + bytes(60),
        b"\x93NUMPY\x01\x00\xff\xff",
        b"",
        b"\x93NUM",
        b"<!DOCTYPE html>",
    ],
)
def test_a_header_that_does_not_fit_the_file_is_refused_before_it_is_believed(tmp_path, refused, header):
    refused(open_data, raw_npz(tmp_path, images=header + IMAGES.tobytes()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "images.npy").write_bytes(header + IMAGES.tobytes())
    refused(open_data, tmp_path / "folder")


def test_a_bomb_of_zeros_is_refused(tmp_path, refused):
    assert "zip bomb" in refused(open_data, npz(tmp_path, images=np.zeros((100_000, 32, 32), np.uint8)))


def test_an_array_larger_than_memory_is_refused(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: 100)
    assert "more than half" in refused(open_data, npz(tmp_path, images=IMAGES))


def test_every_cut_and_a_flipped_bit_of_an_npz_are_noticed(tmp_path, refused):
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8)
    content = npz(tmp_path, images=noise).read_bytes()
    for cut in range(0, len(content), 13):
        (tmp_path / "cut.npz").write_bytes(content[:cut])
        refused(open_data, tmp_path / "cut.npz")
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    (tmp_path / "cut.npz").write_bytes(bytes(flipped))
    assert "damaged" in refused(open_data, tmp_path / "cut.npz")


def test_keys_that_hold_no_images_are_listed(tmp_path, refused):
    assert "it holds x, y" in refused(open_data, npz(tmp_path, x=IMAGES, y=np.arange(6)))
    assert "it holds nothing" in refused(open_data, npz(tmp_path))


def test_other_keys_are_never_read(tmp_path):
    file = io.BytesIO()
    np.save(file, IMAGES)
    assert len(open_data(raw_npz(tmp_path, images=file.getvalue(), other=b"damaged")).train) == 6


def test_links_to_arrays_are_not_followed(tmp_path, refused):
    np.save(tmp_path / "private.npy", IMAGES)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images.npy").symlink_to(tmp_path / "private.npy")
    refused(open_data, tmp_path / "set")
