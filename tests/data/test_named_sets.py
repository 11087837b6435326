"""Readers of the standard sets, on small files of the same formats; no network."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from gan_probe.data import open_data

from ..runs import Runs


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_digits_are_scaled_and_their_test_split_is_fixed_and_stratified():
    data = open_data("digits")
    assert (len(data.train), len(data.test)) == (1437, 360)
    images = data.train.load(8, 1)
    assert (images.images.min(), images.images.max()) == (0, 255)
    assert set(np.unique(images.images).tolist()) == {round(level * 255 / 16) for level in range(17)}
    assert 35 <= np.bincount(data.test.labels).min() <= np.bincount(data.test.labels).max() <= 37
    assert open_data("digits").test.load(8, 1).fingerprint == data.test.load(8, 1).fingerprint


@pytest.mark.parametrize("name", ["digits", "cifar10", "lsun"])
def test_sets_with_one_kind_of_labels_refuse_others(name, refused, tmp_path):
    assert "leave out --labels" in refused(open_data, name, labels="x", root=tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "mnist", "fashion-mnist", "celeba", "lsun"])
def test_a_set_that_is_not_there_says_how_to_get_it(name, refused, tmp_path):
    message = refused(open_data, name, root=tmp_path / "none")
    assert message.startswith(name)
    assert "--data-root" in message
    assert "--download" in message or name == "lsun"  # which gan-probe cannot download
    assert not (tmp_path / "none").exists()


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """CIFAR-10's files with 4 training and 2 test images, and torchvision's list of them."""
    datasets = pytest.importorskip("torchvision.datasets")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), np.uint8)
    for name, part, labels in (("data_batch_1", images[:4], [3, 1, 0, 9]), ("test_batch", images[4:], [5, 5])):
        (folder / name).write_bytes(pickle.dumps({"data": part.reshape(len(part), -1), "labels": labels}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}))
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["data_batch_1", md5(folder / "data_batch_1")]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", md5(folder / "test_batch")]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": md5(folder / "batches.meta")})
    return folder, images.transpose(0, 2, 3, 1)


def test_cifar_is_read_as_published(cifar):
    folder, images = cifar
    data = open_data("cifar10", root=folder.parent)
    np.testing.assert_array_equal(data.train.load(32, 3).images, images[:4])
    np.testing.assert_array_equal(data.test.load(32, 3).images, images[4:])
    assert data.train.labels.tolist() == [3, 1, 0, 9]
    assert data.train.classes[9] == "class 9"


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch", "batches.meta"])
def test_another_pickle_in_cifars_place_is_never_opened(cifar, refused, tmp_path, name):
    (cifar[0] / name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    assert "no intact" in refused(open_data, "cifar10", root=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_cifar_is_downloaded_only_when_asked(cifar, tmp_path, monkeypatch, refused, capsys):
    from torchvision import datasets

    root = tmp_path / "fresh"
    root.mkdir()
    archive = root / datasets.CIFAR10.filename  # as if a download had just ended
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar[0], cifar[0].name)
    monkeypatch.setattr(datasets.CIFAR10, "url", (tmp_path / "gone.tar.gz").as_uri())
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(archive))
    assert "pass --download" in refused(open_data, "cifar10", root=root)
    data = open_data("cifar10", root=root, download=True)
    np.testing.assert_array_equal(data.train.load(32, 3).images, cifar[1][:4])
    assert capsys.readouterr().out == ""  # results alone go to stdout
    assert "cannot download" in refused(open_data, "cifar10", root=tmp_path / "other", download=True)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_idx_files_are_read(tmp_path, refused, name, folder):
    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.array([5, 0, 4], np.uint8)))
    data = open_data(name, root=tmp_path)
    np.testing.assert_array_equal(data.test.load(28, 1).images[..., 0], images)
    assert data.train.labels.tolist() == [5, 0, 4]
    assert len(data.train.classes) == 10

    (raw / "t10k-images-idx3-ubyte").write_bytes(idx(images)[:-5])
    assert "no intact" in refused(open_data, name, root=tmp_path)
    (raw / "t10k-images-idx3-ubyte").write_bytes(gzip.compress(idx(images)))
    assert "no intact" in refused(open_data, name, root=tmp_path)
    (raw / "t10k-images-idx3-ubyte").write_bytes(idx(images))
    (raw / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([5, 0, 77], np.uint8)))
    assert "labels are not numbers below 10" in refused(open_data, name, root=tmp_path)


def test_svhns_ten_is_the_digit_zero(tmp_path, monkeypatch, refused):
    from scipy.io import savemat
    from torchvision import datasets

    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)
    split_list = {}
    for part in ("train", "test"):
        path = tmp_path / f"{part}_32x32.mat"
        savemat(path, {"X": images, "y": np.array([[1], [10], [9], [2]], np.uint8)})
        split_list[part] = ["", path.name, md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", split_list)
    data = open_data("svhn", root=tmp_path)
    assert data.train.labels.tolist() == [1, 0, 9, 2]
    np.testing.assert_array_equal(data.test.load(32, 3).images, images.transpose(3, 0, 1, 2))
    (tmp_path / "test_32x32.mat").write_bytes(b"MATLAB 5.0 of somebody else")
    assert "no intact" in refused(open_data, "svhn", root=tmp_path)


@pytest.fixture
def celeba(tmp_path, monkeypatch, png):
    """CelebA's files with 3 training, 1 validation and 2 test images."""
    from torchvision import datasets

    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(1, 7)]
    for i, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(png(np.full((218, 178, 3), 40 * i, np.uint8), "JPEG"))
    smiling = [1, -1, 1, 1, -1, 1]
    texts = {
        "list_eval_partition.txt": "".join(f"{n} {p}\n" for n, p in zip(names, [0, 0, 0, 1, 2, 2], strict=True)),
        "identity_CelebA.txt": "".join(f"{n} 1\n" for n in names),
        "list_bbox_celeba.txt": "6\nimage_id x\n" + "".join(f"{n} 1 1 1 1\n" for n in names),
        "list_landmarks_align_celeba.txt": "6\nx\n" + "".join(f"{n} {' 1' * 10}\n" for n in names),
        "list_attr_celeba.txt": "6\nMale Smiling \n"
        + "".join(f"{n}  -1 {s:2}\n" for n, s in zip(names, smiling, strict=True)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(datasets.CelebA, "file_list", [("", md5(folder / name), name) for name in texts])
    return tmp_path


def test_celeba_is_labelled_by_the_attribute_that_is_asked_for(celeba, refused):
    data = open_data("celeba", root=celeba, labels="Smiling")
    assert (data.train.classes, data.train.labels.tolist()) == (("no", "yes"), [1, 0, 1])
    assert data.test.labels.tolist() == [0, 1]
    images = data.test.load(64, 3)
    assert np.abs(images.images[:, 0, 0, 0].astype(int) - [160, 200]).max() <= 2
    assert open_data("celeba", root=celeba).train.labels is None
    assert "no attribute 'smile'" in refused(open_data, "celeba", root=celeba, labels="smile")


@pytest.fixture
def lsun(tmp_path, png):
    """Two LSUN categories, three training images each, and one validation image of the first."""
    lmdb = pytest.importorskip("lmdb")
    for name, levels in {"bedroom_train": [1, 2, 3], "tower_train": [4, 5, 6], "bedroom_val": [7]}.items():
        with (
            lmdb.open(str(tmp_path / f"{name}_lmdb"), map_size=2**20) as environment,
            environment.begin(write=True) as t,
        ):
            for level in levels:
                key = hashlib.sha1(bytes([level]), usedforsecurity=False).hexdigest()
                t.put(key.encode(), png(np.full((256, 300, 3), level, np.uint8), "WEBP"))
    return tmp_path


def test_lsun_is_read_from_its_databases(lsun):
    data = open_data("lsun", root=lsun)
    images = data.train.load(64, 3)
    assert images.classes == ("bedroom", "tower")
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    levels = images.images[:, 32, 32, 0].astype(int)
    assert np.abs(np.sort(levels) - [1, 2, 3, 4, 5, 6]).max() <= 2
    assert len(data.test) == 1


def test_lsun_reads_no_pickled_cache(lsun, monkeypatch):
    monkeypatch.chdir(lsun)
    for folder in (lsun, lsun / "bedroom_train_lmdb"):
        cache = "_cache_" + "".join(c for c in str(folder) if c.isascii() and c.isalpha())
        (lsun / cache).write_bytes(pickle.dumps(Runs(lsun / "ran")))
    open_data("lsun", root=lsun).train.load(8, 3)
    assert not (lsun / "ran").exists()


def test_lsun_without_lmdb_says_what_to_install(lsun, monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    assert "pip install" in refused(open_data, "lsun", root=lsun)


def test_what_is_no_database_is_refused(lsun, refused):
    (lsun / "tower_train_lmdb" / "data.mdb").write_bytes(b"x" * 9000)
    assert "no LMDB database" in refused(open_data, "lsun", root=lsun)


def test_lsun_cannot_be_downloaded_and_says_where_it_is(tmp_path, refused):
    assert "lsun.cs.princeton.edu" in refused(open_data, "lsun", root=tmp_path, download=True)
