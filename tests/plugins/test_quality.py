"""FID and KID beside real images: low for real images, high for spoilt ones, and the same as the measures say."""

from types import SimpleNamespace

import numpy as np
import pytest

import gan_probe
from gan_probe import Table
from gan_probe.data import Data, Split, open_data
from gan_probe.feature_space import open_space
from gan_probe.measures.sample_set import RealSet
from gan_probe_plugins.quality import _finding

from .planted import planted

PARTS = {"real": (0, 500), "held": (500, 1000), "shown": (1000, 1437)}


@pytest.fixture(scope="module")
def images():
    whole = open_data("digits").train
    everything = np.random.default_rng(0).permutation(len(whole))
    return {name: whole.subset(everything[slice(*part)]).load(16, 1).images for name, part in PARTS.items()}


@pytest.fixture(scope="module")
def data(images):
    return Data("digits in parts", *(Split.from_arrays(name, images[name]) for name in ("real", "held")))


def rows(gan, data, **options):
    return gan_probe.run(gan, "quality", data=data, feature_space="pixels", **options).table("quality").rows


def test_real_images_score_as_real_ones_do_and_blurred_ones_worse(images, data):
    real, held = rows(planted(images["shown"]), data)
    assert (real["n"], held["n"]) == (500, 500)
    assert real["FID"] == pytest.approx(held["FID"], rel=0.5)
    assert abs(real["KID"]) < 3e-3
    blurred = (images["shown"].astype(float) + np.roll(images["shown"], 2, 2)) / 2
    spoilt, _ = rows(planted(blurred.astype(np.uint8)), data)
    assert spoilt["FID low"] > 2 * held["FID high"]
    assert spoilt["KID low"] > real["KID high"]


def test_the_finding_holds_the_tables_numbers(images, data):
    report = gan_probe.run(planted(images["shown"]), "quality", data=data, feature_space="pixels")
    table, (said,) = report.table("quality"), report.findings
    for name in ("FID", "KID"):
        for row in table.rows:
            value, low, high = (table.text(column, row[column]) for column in (name, f"{name} low", f"{name} high"))
            assert f"{name} {value} ({low} to {high})" in said
    assert said.endswith("In pixels, not in Inception: no FID of papers. Intervals: 95 %.")


def test_the_finding_has_no_exponents_and_a_network_of_the_users_may_be_inception():
    row = dict.fromkeys(("FID", "FID low", "FID high"), 12.0) | {"KID": -4.67e-05, "KID low": -3e-06, "KID high": 0.25}
    table = Table("quality", [row, row], formats=dict.fromkeys(row, ".3g"))
    said = _finding(table, SimpleNamespace(n=50, space=SimpleNamespace(name="inception.onnx (ab12)")))
    assert "KID -0.0000467 (-0.000003 to 0.25)" in said
    assert said.endswith("In inception.onnx (ab12). Intervals: 95 %.")


def test_the_numbers_are_those_of_the_measures_in_the_named_space(images, data):
    gan = planted(images["shown"])
    space = open_space("pixels", 16, 1)
    found, held = rows(gan, data, samples=500)
    every = np.concatenate([space(images[name]) for name in ("real", "held")])
    known = RealSet(every[:500]).measure(every[500:])  # in another order: neither depends on it
    assert held["FID"] == pytest.approx(known.fid.value, rel=1e-4)
    assert held["KID"] == pytest.approx(known.kid.value, rel=1e-3)
    assert (held["KID low"], held["KID high"]) == pytest.approx((known.kid.low, known.kid.high), rel=1e-3)
    assert found["FID low"] < found["FID"] < found["FID high"]


def test_the_report_says_where_how_many_and_what_it_is_not(images, data):
    found = gan_probe.run(planted(images["shown"]), "quality", data=data, feature_space="pixels", samples=100)
    assert found.table("quality").title == "FID and KID in pixels"
    assert "100 samples and as many held-out real images" in found.table("quality").caption
    assert any("n = 100 and in pixels alone" in note for note in found.notes)
    assert any("Inception" in note for note in found.notes)


def test_bias_shrinks_as_images_are_added(images, data):
    lines = gan_probe.run(planted(images["shown"]), "quality", data=data, feature_space="pixels").figures[0].content
    heights = [line.get_ydata() for line in lines.axes[0].lines if len(line.get_ydata()) == 4]
    assert len(heights) >= 2
    assert all((np.diff(h) < 0).all() for h in heights)
