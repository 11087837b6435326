from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_probe.data import Data, DataRequest, DatasetSource, Split, builtin_sources, open_data
from gan_probe.data.names import printable, short


def tiny(request: DataRequest) -> Data:
    return Data("tiny", Split.from_arrays("tiny", np.zeros((1, 8, 8), np.uint8)), description=repr(request))


SOURCES = [DatasetSource("tiny", "one black image", tiny)]


def test_a_source_is_handed_the_request(tmp_path):
    data = open_data("tiny", root=tmp_path, download=True, labels="x", sources=SOURCES)
    assert data.description == repr(DataRequest(tmp_path, True, "x"))


def test_a_name_wins_over_a_path_unless_it_is_written_as_one(tmp_path, monkeypatch, png):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "a.png").write_bytes(png())
    monkeypatch.chdir(tmp_path)
    assert open_data("tiny", sources=SOURCES).name == "tiny"
    for spec in ("./tiny", str(tmp_path / "tiny"), "tiny/", Path("tiny")):
        assert open_data(spec, sources=SOURCES).description.startswith("image files")


def test_open_data_passes_through():
    data = tiny(DataRequest())
    assert open_data(data) is data


def test_the_nearest_name_is_suggested(refused):
    assert "did you mean 'cifar10'" in refused(open_data, "cifar11")
    assert "did you mean 'fashion-mnist'" in refused(open_data, "Fashion_MNIST")
    assert "digits, toy-rooms" in refused(open_data, "zzz")


@pytest.mark.parametrize("spec", ["./gone", "a\0b", "/" + "x" * 5000, "~nobody-of-that-name/x", "", "\udcff"])
def test_a_path_that_is_not_there_is_one_line(refused, spec):
    refused(open_data, spec)


def test_a_file_of_another_kind_is_refused(tmp_path, refused):
    (tmp_path / "a.rar").write_bytes(b"x")
    assert "not data" in refused(open_data, tmp_path / "a.rar")


def test_names_are_unique_and_every_source_has_a_line():
    sources = builtin_sources()
    standard = {"cifar10", "cifar100", "svhn", "mnist", "fashion-mnist", "celeba", "lsun"}
    assert {"digits", "toy-rooms", "toy-faces"} | standard == {source.name for source in sources}
    assert all(source.summary for source in sources)


def test_the_registry_imports_nothing_heavy():
    code = (
        "import sys, gan_probe.data; gan_probe.data.builtin_sources(); "
        "print([m for m in ('numpy', 'torch', 'PIL', 'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_short_names_are_printable_and_keep_both_ends():
    assert printable("a\u202e\udcff\n") == "a\\u202e\\udcff\\n"
    assert short("start" + "x" * 100 + "end.png", 20).startswith("start")
    assert short("start" + "x" * 100 + "end.png", 20).endswith("end.png")
    assert len(short("x" * 100, 20)) == 20
