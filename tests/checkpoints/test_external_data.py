"""Weights that an ONNX file keeps in another one: read from beside it alone, and no more than a DCGAN has."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from gan_probe.checkpoints import LoadRequest, load_gan

from .graphs import saved
from .refusing import refused_at_once

pytestmark = pytest.mark.usefixtures("little_memory")


def kept_outside(proto, location, **more):
    tensor = next(t for t in proto.graph.initializer if t.name == "conv1.weight")
    content = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": 0, "length": len(content), **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    return content


def test_external_data_beside_the_file_is_read(tmp_path, proto, exported):
    (tmp_path / "w.bin").write_bytes(b"1234" + kept_outside(proto, "w.bin", offset=4))
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "d.onnx").write_bytes(exported)
    gan, whole = (load_gan(LoadRequest(p)) for p in (saved(tmp_path, proto), tmp_path / "whole" / "d.onnx"))
    x = gan.from_uint8(np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), dtype=np.uint8))
    assert (gan.discriminator(x) == whole.discriminator(x)).all()
    before = gan.card.sha256
    (tmp_path / "w.bin").write_bytes((tmp_path / "w.bin").read_bytes()[:-1] + b"\0")
    assert load_gan(LoadRequest(tmp_path / "d.onnx")).card.sha256 != before


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "C:\\secret", "..\\secret", ""])
def test_external_data_outside_the_folder_is_not_read(tmp_path, proto, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    kept_outside(proto, location)
    refused_at_once(saved(folder, proto), "outside its folder")


def test_links_and_odd_files_as_external_data_are_not_read(tmp_path, proto):
    folder = tmp_path / "model"
    folder.mkdir()
    content = kept_outside(proto, "w.bin")
    path, data = saved(folder, proto), folder / "w.bin"
    refused_at_once(path, "is missing")
    (tmp_path / "secret").write_bytes(content)
    data.symlink_to(tmp_path / "secret")
    refused_at_once(path, "is a link")
    data.unlink()
    os.link(tmp_path / "secret", data)
    refused_at_once(path, "hard link")
    data.unlink()
    os.mkfifo(data)
    refused_at_once(path, "is missing")
    data.unlink()
    data.write_bytes(content[:-1])
    refused_at_once(path, "too short")
    for more in ({"offset": -1}, {"length": 10**15}, {"offset": 10**30}, {"offset": "x"}):
        again = onnx.load_model_from_string(proto.SerializeToString())
        tensor = next(t for t in again.graph.initializer if t.name == "conv1.weight")
        for entry in tensor.external_data:
            if entry.key in more:
                entry.value = str(more[entry.key])
        refused_at_once(saved(folder, again), "too short|no readable place")


def test_more_weights_than_any_dcgan_has_are_not_read(tmp_path, proto):
    """A file of holes takes no disk, but memory once it is read."""
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(2**30)
    tensor = next(t for t in proto.graph.initializer if t.name == "conv1.weight")
    kept_outside(proto, "w.bin", length=2**30)
    tensor.dims[:] = [2**28, 1, 1, 1]
    refused_at_once(saved(tmp_path, proto), "more than 256 MB of weights")
