from __future__ import annotations

import argparse
import io
import os
import pickle
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.errors import BadInputError

from ..runs import Runs


def torch_bytes(content, **more):
    buffer = io.BytesIO()
    torch.save(content, buffer, **more)
    return buffer.getvalue()


def torchscript():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}))
        archive.writestr("model/constants.pkl", pickle.dumps(()))
        archive.writestr("model/code/__torch__.py", "def forward(self): ...")
    return buffer.getvalue()


def tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    return buffer.getvalue()


STATE = OrderedDict(w=torch.zeros(2))
FILES = {
    "empty": (b"", "is empty"),
    "web page": (b"\n<!DOCTYPE html><html>", "a web page"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"),
    "text": (b"not a checkpoint, but \xc3\xa9t\xc3\xa9\n" * 500, "plain text"),
    "noise": (bytes(range(255, 0, -1)) * 20, "no known format"),
    "torch state dict": (torch_bytes(STATE), "no layers' weights"),
    "torch state dict, old format": (
        torch_bytes(STATE, _use_new_zipfile_serialization=False),
        "no layers' weights",
    ),
    "torch zip cut short": (torch_bytes(STATE)[:-30], "cut short or damaged"),
    "whole pickled module": (torch_bytes(torch.nn.Linear(2, 2)), "would run torch.nn.modules.linear.Linear"),
    "namespace": (torch_bytes({"opt": argparse.Namespace(), "w": torch.zeros(1)}), "would run argparse.Namespace"),
    "torchscript": (torchscript(), "TorchScript"),
    "legacy tar": (tar(), "tar archive"),
    "zip of pictures": (torchscript().replace(b".pkl", b".png"), "zip archive without"),
    "numpy array": (b"\x93NUMPY\x01\x00", "numpy array"),
    "pickle of nothing": (pickle.dumps([1, 2]), "without networks"),
}


def refused(path, match=": "):
    with pytest.raises(BadInputError, match=match) as caught:
        load_gan(LoadRequest(path))
    message = str(caught.value)
    assert len(message) <= 200
    assert "\n" not in message
    assert "weights_only=False" not in message


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_for_what_it_is(tmp_path, name):
    content, message = FILES[name]
    path = tmp_path / "ckpt.pt"
    path.write_bytes(content)
    refused(path, message)


CONTAINERS = {
    "zip": lambda x: torch_bytes({"w": torch.zeros(1), "x": x}),
    "legacy": lambda x: torch_bytes({"w": torch.zeros(1), "x": x}, _use_new_zipfile_serialization=False),
    "pickle 2": lambda x: pickle.dumps(x, 2),
    "pickle 4": lambda x: pickle.dumps([x, x], 4),
    "pickle 5": lambda x: pickle.dumps({"a": x}, 5),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_pickle_that_runs_code_never_runs_and_is_named(tmp_path, container):
    path = tmp_path / "ckpt.pt"
    path.write_bytes(CONTAINERS[container](Runs(tmp_path / "ran")))
    refused(path, r"would run (posix|nt)\.system")
    assert not (tmp_path / "ran").exists()


def test_paths_that_hold_nothing_are_named(tmp_path):
    refused(tmp_path / "missing.pt", "no such file")
    refused(tmp_path, "no checkpoint is in this folder")
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", "not a regular file")
    (tmp_path / "ckpt.pt").write_text("x")
    refused(tmp_path / ("d" * 200) / "ckpt.pt", "no such file")
    with pytest.raises(BadInputError, match="only those come in two files"):
        load_gan(LoadRequest(tmp_path / "ckpt.pt", generator=tmp_path / "ckpt.pt"))


STARTS = [b"", b"PK\x03\x04", b"\x80\x02", b"\x08\x07\x12", b"\x10\0\0\0\0\0\0\0{"]


def test_a_trainings_folder_points_to_what_can_be_opened(tmp_path, refused):
    kept = tmp_path / "a-training" / "checkpoints" / "epoch-1.pt"
    kept.parent.mkdir(parents=True)
    kept.touch()
    folder = LoadRequest(kept.parent.parent)
    assert refused(load_gan, folder).endswith("the folder of a training; open checkpoints/epoch-1.pt")
    (tmp_path / "a.pt").touch()
    assert refused(load_gan, folder).endswith("open a.pt, beside it, or checkpoints/epoch-1.pt")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_are_one_line(tmp_path_factory, start, noise):
    path = tmp_path_factory.mktemp("noise") / "ckpt.pt"
    path.write_bytes(start + noise)
    refused(path)


def test_an_endless_pickle_is_named_within_seconds(tmp_path):
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"\x80\x02" + b"N0" * 20_000_000)
    start = time.monotonic()
    refused(path, "pickle")
    assert time.monotonic() - start < 10


def test_the_package_imports_nothing_heavy():
    code = (
        "import sys, gan_probe.checkpoints; print(sorted({'torch', 'numpy', 'onnx', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "says"), [("digits-dcgn", "did you mean digits-dcgan?"), ("qqq", "check the path")])
def test_a_name_that_is_nearly_a_models_is_told_which(name, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match=re.escape(says)):
        load_gan(LoadRequest(name))
