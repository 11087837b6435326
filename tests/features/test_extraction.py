"""Features through the store: what they depend on, when they are extracted, and what a missing store costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gan_probe
from gan_probe.checkpoints.export import export_onnx
from gan_probe.data import Images
from gan_probe.errors import BadInputError, OutputError
from gan_probe.features import Calibration, FeatureStore, batches, extract, pooled, recalibrated
from gan_probe.features.extraction import _narrowed
from gan_probe.testing import tiny_gan

RNG = np.random.default_rng(0)
TRAIN, TEST = (Images(RNG.integers(0, 256, (n, 16, 16, 1), np.uint8)) for n in (40, 20))
LAYERS = ["conv1", "conv2"]
CALIBRATION = Calibration(TRAIN, RNG.permutation(40), 8)


@pytest.fixture
def gan():
    return tiny_gan()


@pytest.fixture
def passes(gan, monkeypatch):
    """Counts what the discriminator is asked for."""
    counts = {"activations": 0, "moments": 0}
    for name in counts:
        original = getattr(type(gan.discriminator), name)

        def counted(self, *args, name=name, original=original, **kwargs):
            counts[name] += 1
            return original(self, *args, **kwargs)

        monkeypatch.setattr(type(gan.discriminator), name, counted)
    return counts


def get(gan, store, sets=(TRAIN, TEST), layers=LAYERS, net=None, **kwargs):
    return extract(gan, net or gan.discriminator, sets, layers, store=store, **kwargs)


@pytest.mark.parametrize("stored", [True, False])
def test_features_are_those_of_pooled_under_the_calibrated_statistics(gan, store, stored):
    found = get(gan, store if stored else None, calibration=CALIBRATION)
    net = gan.discriminator
    with recalibrated(net, batches(gan, TRAIN.images, CALIBRATION.order, 8)):
        for features, images in zip(found, (TRAIN, TEST), strict=True):
            expected, columns = pooled(gan, net, images.images, LAYERS)
            np.testing.assert_array_equal(features.array, expected)
            assert features.columns == dict(zip(LAYERS, columns, strict=True))
            assert not features.cached
    uncalibrated = get(gan, None)[0].array
    assert not np.allclose(uncalibrated, found[0].array, atol=1e-3)


def test_a_second_run_neither_extracts_nor_recalibrates(gan, store, passes):
    first = get(gan, store, calibration=CALIBRATION)
    before = dict(passes)
    assert min(before.values()) > 0
    second = get(gan, store, calibration=CALIBRATION)
    assert passes == before
    assert all(features.cached for features in second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.array, b.array)
        assert a.columns == b.columns


def test_only_what_is_missing_is_extracted_under_the_same_statistics(gan, store):
    whole = get(gan, None, calibration=CALIBRATION)
    get(gan, store, [TRAIN], calibration=CALIBRATION)
    train, test = get(gan, store, calibration=CALIBRATION)
    assert (train.cached, test.cached) == (True, False)
    np.testing.assert_array_equal(test.array, whole[1].array)


def another_image(kwargs):
    images = TRAIN.images.copy()
    images[3, 4, 5] ^= 1
    kwargs["sets"] = [Images(images)]


CHANGES = {
    "layers": lambda kw: kw.update(layers=["conv2"]),
    "order of the layers": lambda kw: kw.update(layers=LAYERS[::-1]),
    "grid": lambda kw: kw.update(grid=2),
    "dtype": lambda kw: kw.update(dtype="float16"),
    "a pixel": another_image,
    "no calibration": lambda kw: kw.update(calibration=None),
    "images of the calibration": lambda kw: kw.update(calibration=Calibration(TEST, CALIBRATION.order[:20] % 20, 8)),
    "order of the calibration": lambda kw: kw.update(calibration=Calibration(TRAIN, CALIBRATION.order[::-1], 8)),
    "batch of the calibration": lambda kw: kw.update(calibration=Calibration(TRAIN, CALIBRATION.order, 10)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_features_depend_on_is_in_their_key(gan, store, change):
    kwargs = {"sets": [TRAIN], "layers": LAYERS, "calibration": CALIBRATION}
    get(gan, store, **kwargs)
    assert get(gan, store, **kwargs)[0].cached  # the control: nothing changed
    change(kwargs)
    assert not get(gan, store, **kwargs)[0].cached


def test_other_weights_statistics_and_value_ranges_are_other_features(gan, store):
    net = gan.discriminator
    get(gan, store, [TRAIN])
    assert get(tiny_gan(), store, [TRAIN])[0].cached  # the same weights in another object
    twin = net.random_twin(torch.Generator().manual_seed(1))
    assert not get(gan, store, [TRAIN], net=twin)[0].cached
    assert get(gan, store, [TRAIN], net=net.random_twin(torch.Generator().manual_seed(1)))[0].cached
    with recalibrated(net, batches(gan, TEST.images, np.arange(20), 10)):
        assert not get(gan, store, [TRAIN])[0].cached
    gan.card = dataclasses.replace(gan.card, value_range=(0.0, 1.0))
    assert not get(gan, store, [TRAIN])[0].cached


def test_batch_size_names_and_progress_are_not_in_the_key(gan, store):
    get(gan, store, [TRAIN], about={"network": "trained D"})
    seen = []
    again = get(gan, store, [TRAIN], batch_size=7, about={}, progress=lambda *a: seen.append(a))
    assert again[0].cached
    assert seen == []


def test_an_edited_network_is_never_taken_from_the_store(gan, store):
    net = gan.discriminator
    plain = get(gan, store, [TRAIN])[0].array
    handle = net.conv2.register_forward_hook(lambda _module, _inputs, output: output * 2)
    try:
        edited = get(gan, store, [TRAIN])[0]
    finally:
        handle.remove()
    assert not edited.cached
    own = edited.columns["conv2"]
    np.testing.assert_allclose(edited.array[:, own], plain[:, own] * 2, rtol=1e-6)
    assert len(store.entries()) == 1


def test_a_network_that_cannot_say_what_it_is_goes_without_the_store(gan, store):
    class Stranger:
        def __init__(self, net):
            self.activations, self.statistics = net.activations, net.statistics

    found = get(gan, store, [TRAIN], net=Stranger(gan.discriminator))[0]
    np.testing.assert_array_equal(found.array, get(gan, None, [TRAIN])[0].array)
    assert store.entries() == []


def test_a_default_store_that_cannot_be_written_warns_once_and_costs_nothing_else(gan, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot keep features: .*; the features stay in memory") as told:
        found = get(gan, FeatureStore(tmp_path / "file" / "x", required=False), calibration=CALIBRATION)
    assert len(told) == 1
    for a, b in zip(found, get(gan, None, calibration=CALIBRATION), strict=True):
        np.testing.assert_array_equal(a.array, b.array)
    with pytest.raises(OutputError, match="cannot keep features"):
        get(gan, FeatureStore(tmp_path / "file" / "x", required=True))


def test_statistics_come_back_also_after_an_error(gan, store, monkeypatch):
    before = {name: moments.mean.clone() for name, moments in gan.discriminator.statistics.items()}

    def fail(*_args, **_kwargs):
        raise KeyError("inside")

    monkeypatch.setattr("gan_probe.features.extraction.pooled_rows", fail)
    with pytest.raises(KeyError):
        get(gan, store, calibration=CALIBRATION)
    assert all(torch.equal(before[name], moments.mean) for name, moments in gan.discriminator.statistics.items())


@pytest.mark.parametrize("stored", [True, False])
def test_half_precision_halves_the_file_and_keeps_its_bound(gan, store, stored):
    whole = get(gan, None)[0].array
    half = get(gan, store if stored else None, dtype="float16")[0].array
    assert half.dtype == np.float16
    assert half.nbytes * 2 == whole.nbytes
    assert (np.abs(half.astype(np.float64) - whole) <= np.maximum(np.abs(whole) / 2048, 3e-8)).all()
    assert not np.array_equal(half, whole)


@given(st.lists(st.floats(-65504, 65504, width=32), min_size=1, max_size=40))
def test_half_precisions_bound_holds_for_every_value_in_its_range(values):
    rows = np.array([values], np.float32)
    (half,) = _narrowed([rows], "float16", ["conv1"], [slice(0, len(values))])
    assert (np.abs(half.astype(np.float64) - rows) <= np.maximum(np.abs(rows) / 2048, 3e-8)).all()


def test_values_beyond_half_precision_name_their_layer_and_leave_no_entry(gan, store):
    gan.discriminator.conv2.norm.weight.mul_(1e5)
    with pytest.raises(BadInputError, match=r"layer conv2 reaches .*, beyond float16's 65504: use float32"):
        get(gan, store, dtype="float16")
    assert store.entries() == []
    assert store.leftovers() == 0
    assert np.abs(get(gan, store)[0].array).max() > 65504


def test_progress_tells_statistics_and_features(gan):
    seen = []
    get(gan, None, [TRAIN], calibration=CALIBRATION, progress=lambda *a: seen.append(a))
    assert (40, 40, "recomputing batch-norm statistics") in seen
    assert seen[-1] == (40, 40, "extracting features")


def test_a_network_that_onnxruntime_runs_is_kept_too(gan, store, tmp_path):
    export_onnx(gan, tmp_path / "onnx")
    opened = gan_probe.load(tmp_path / "onnx")
    net = opened.discriminator
    first, again = (extract(opened, net, [TEST], LAYERS, calibration=CALIBRATION, store=store)[0] for _ in range(2))
    assert (first.cached, again.cached) == (False, True)
    expected = get(gan, None, [TEST], calibration=CALIBRATION)[0].array
    np.testing.assert_allclose(first.array, expected, atol=1e-4)
    twin = net.random_twin(torch.Generator().manual_seed(1))
    other = extract(opened, twin, [TEST], LAYERS, calibration=CALIBRATION, store=store)[0]
    assert not other.cached
    assert not np.allclose(other.array, expected, atol=1e-2)
