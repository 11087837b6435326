"""Analyses run from Python: the report or the original error, on the GAN and the data as they are."""

import numpy as np
import pytest

import gan_probe
from gan_probe import GAN, BadInputError
from gan_probe.testing import tiny_gan


def test_python_gets_the_report_or_the_original_error(install):
    report = gan_probe.run(tiny_gan(), "samples", count=9)
    assert report.figures[0].name == "grid"
    assert "<" in report._repr_html_()
    with pytest.raises(BadInputError, match="--count"):
        gan_probe.run(tiny_gan(), "samples", count=0)
    install(
        "crash",
        "from gan_probe import Analysis, hookimpl\n"
        "class A(Analysis):\n"
        "    'Crashes.'\n"
        "    name = 'crash'\n"
        "    def run(self, gan, options, ctx): return {}['missing']\n"
        "@hookimpl\n"
        "def register_analyses(): return [A]\n",
    )
    with pytest.raises(KeyError, match="missing"):
        gan_probe.run(None, "crash")


def test_from_python_a_gan_stays_where_it_is_unless_a_device_is_asked_for(monkeypatch):
    moved = []
    monkeypatch.setattr(GAN, "to", lambda gan, device: moved.append(device) or gan)
    gan_probe.run(tiny_gan(), "samples", count=4)
    assert moved == []
    gan_probe.run(tiny_gan(), "samples", count=4, device="cpu")
    assert moved == ["cpu"]
    with pytest.raises(BadInputError, match="'meta'"):
        gan_probe.run(tiny_gan(), "samples", device="meta")


def test_data_that_need_more_than_a_path_are_opened_first(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=images, pose=np.arange(40) % 2)
    data = gan_probe.open_data(tmp_path / "x.npz", labels="pose")
    report = gan_probe.run(tiny_gan(), "linear-probe", data=data, c="0.01", baselines="none")
    assert report.status == "ok"
    with pytest.raises(BadInputError, match="type ndarray"):
        gan_probe.run(tiny_gan(), "linear-probe", data=images)
