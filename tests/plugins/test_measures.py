"""What the built-in analyses give to be compared: each measure's mean is the number in the analysis' own table."""

import numpy as np
import pytest

import gan_probe
from gan_probe.measures.intervals import normal
from gan_probe.report.check import check_report
from gan_probe.testing import check_analysis, tiny_data, tiny_gan

FAST = {"feature_space": "pixels"}
# analysis, options, and for each measure: table, which row, and which column holds its number
CASES = [
    (
        "linear-probe",
        {"c": (0.01,), "labels_per_class": (4,), "draws": 2},
        {
            "accuracy": ("accuracy", {"features": "trained D"}, "accuracy"),
            "gain": ("differences", {"comparison": "trained D minus random weights"}, "difference"),
            "accuracy-4-a-class": ("few-labels", {"features": "trained D", "labels per class": 4}, "accuracy"),
        },
    ),
    (
        "quality",
        {"samples": 60, **FAST},
        {"fid": ("quality", {"of": "samples"}, "FID"), "kid": ("quality", {"of": "samples"}, "KID")},
    ),
    (
        "collapse",
        {"samples": 60, "most": 128, "judge": "none", **FAST},
        {name: ("measures", {"measure": name}, "samples") for name in ("precision", "density", "coverage")},
    ),
    (
        "latent-walk",
        {"points": 4, "pairs": 20, **FAST},
        {
            "half": ("verdict", {"path": "the walk"}, "half in"),
            "path-length-pixels": ("path-length", {"path": "the walk", "distance in": "pixels"}, "path length"),
        },
    ),
    (
        "nearest-neighbors",
        {"count": 40, **FAST},
        {
            "nearer-pixels": ("copies", {"space": "pixels"}, "share"),
            "nearer-shifted-pixels": ("copies", {"space": "pixels, shifted by up to 2"}, "share"),
        },
    ),
    (
        "directions",
        {"samples": 60, "tried": 20, "count": 2},
        {
            "sefa-1": ("directions", {"direction": "SeFa 1"}, "over random"),
            "pca-1": ("directions", {"direction": "PCA 1"}, "over random"),
        },
    ),
    (
        "nn-classifier",
        {"sizes": (20, 60)},
        {f"error-{n}": ("errors", {"source": "measured here", "n": n}, "test error") for n in (20, 60)},
    ),
]


def number(report, table, row, column):
    (found,) = [r for r in report.table(table).rows if all(r[key] == value for key, value in row.items())][:1]
    return found[column]


def gan_for(analysis, seed=0):
    return tiny_gan(seed, classes=10 if analysis == "nn-classifier" else 0)


@pytest.mark.parametrize(("analysis", "options", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_mean_of_a_measure_is_the_number_in_the_table(analysis, options, expected):
    report = gan_probe.run(gan_for(analysis), analysis, data=tiny_data(), **options)
    assert {m.name for m in report.measures} == set(expected)
    for measure in report.measures:
        assert measure.value == pytest.approx(number(report, *expected[measure.name]), abs=1e-9), measure.name
        assert measure.values.mean() == pytest.approx(measure.value)
        assert measure.title
        assert measure.unit
        assert measure.units


def test_two_generators_of_the_same_latents_pair_and_of_another_seed_do_not():
    first, second, reseeded = (
        gan_probe.run(tiny_gan(weights), "quality", data=tiny_data(), seed=seed, samples=60, feature_space="pixels")
        for weights, seed in ((0, 0), (1, 0), (0, 1))
    )
    assert first.measures[0].units == second.measures[0].units
    assert first.measures[0].units != reseeded.measures[0].units


def test_fid_and_kid_by_their_values_have_the_error_that_the_table_says():
    report = gan_probe.run(tiny_gan(), "quality", data=tiny_data(), samples=60, feature_space="pixels")
    row = report.table("quality").rows[0]
    for measure in report.measures:
        error = measure.values.std(ddof=1) / len(measure.values) ** 0.5
        low = normal(measure.value, error, "").low
        # here both sets' parts are added up value by value, there their variances
        assert measure.value - low == pytest.approx(row[measure.title[:3]] - row[f"{measure.title[:3]} low"], rel=0.3)


SHAKY = """
from gan_probe import Analysis, Measure, Report, hookimpl
import numpy as np
class A(Analysis):
    "Gives other values each time."
    name = "shaky"
    def run(self, gan, options, ctx):
        values = {values}
        return Report(measures=[Measure("m", values, "M", "thing", {units})])
"""


@pytest.mark.parametrize(
    ("values", "units", "said"),
    [
        ("np.random.default_rng().random(5)", "'u'", "the same seed gives another result: measure m"),
        ("np.ones(5)", "str(ctx.batch_size)", "its units are"),
        ("np.ones(ctx.batch_size)", "'u'", "values"),
    ],
)
def test_the_conformance_kit_finds_measures_that_do_not_hold_still(values, units, said):
    space = {}
    exec(SHAKY.format(values=values, units=units), space)  # noqa: S102  # our own text, above
    with pytest.raises(AssertionError, match=said):
        check_analysis(space["A"])


def test_a_measure_without_finite_values_is_refused():
    from gan_probe import Measure, Report

    with pytest.raises(ValueError, match="finite"):
        check_report(Report(measures=[Measure("m", np.array([1.0, np.nan]))]))
