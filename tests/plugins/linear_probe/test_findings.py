"""What the probe's tables come to, in sentences."""

from gan_probe import Table
from gan_probe_plugins.linear_probe.findings import findings


def all_labels(*controls):
    """The tables of a probe that is right on 80 % of 500 images, and of controls (name, accuracy, low, high)."""
    row = {"accuracy": 0.8, "low": 0.76, "high": 0.83, "n_train": 1000, "n_test": 500}
    rows = [{"features": "trained D", **row}]
    apart = []
    for name, accuracy, low, high in controls:
        rows.append({"features": name, **row, "accuracy": accuracy})
        apart.append({"comparison": f"minus {name}", "difference": 0.8 - accuracy, "low": low, "high": high})
    return [Table("accuracy", rows), *([Table("differences", apart)] if apart else [])]


def test_without_controls_the_accuracy_stands_alone():
    assert findings(all_labels()) == [
        "Trained D names 80.0% (76.0% to 83.0%) of 500 test images rightly, from 1,000 labelled images. "
        "Intervals: 95 %, over test images."
    ]


def test_what_the_intervals_are_over_is_said_and_how_many_draws_of_random_weights_there_are():
    one, two = ("random weights", 0.6, 0.15, 0.25), ("random weights 2", 0.61, 0.14, 0.24)
    assert findings(all_labels(one))[0].endswith(". Intervals: 95 %, over test images; one draw of random weights.")
    assert findings(all_labels(one, two))[0].endswith(
        ". Intervals: 95 %, over test images; each of 2 draws of random weights by itself."
    )
    assert findings(all_labels(("raw pixels", 0.6, 0.1, 0.2)))[0].endswith(". Intervals: 95 %, over test images.")


def test_a_control_is_less_or_more_right_or_cannot_be_told_apart():
    controls = [("random weights", 0.6, 0.15, 0.25), ("raw pixels", 0.9, -0.14, -0.06), ("kmeans", 0.79, -0.02, 0.04)]
    (said,) = findings(all_labels(*controls))
    assert "; random weights 60.0%, 20.0 points less (15.0 to 25.0); " in said
    assert "; raw pixels 90.0%, 10.0 points more (6.0 to 14.0); " in said
    assert "; kmeans 79.0%, 1.0 points less (-2.0 to 4.0: not told apart). " in said


def test_no_zero_has_a_sign_and_of_many_controls_the_strongest_are_told():
    many = [(f"random weights {i}", 0.5 + i / 100, 0.1, 0.3) for i in range(8)]
    (said,) = findings(all_labels(*many, ("raw pixels", 0.8, -0.0001, 0.0001)))
    assert [name in said for name, *_ in many] == [False] * 5 + [True] * 3
    assert "raw pixels 80.0%, 0.0 points less (0.0 to 0.0: not told apart); 5 weaker controls in the table. " in said


def test_one_label_is_one_and_other_draws_of_a_control_are_told():
    row = {"labels per class": 1, "accuracy": 0.5, "low": 0.4, "high": 0.6, "draws": 10, "n_test": 500}
    apart = {"labels per class": 1, "difference": 0.2, "low": 0.1, "high": 0.3}
    rows = [{"features": "trained D", **row}, {"features": "supervised", **row, "accuracy": 0.3, "draws": 3}]
    (said,) = findings([Table("few-labels", rows), Table("few-label-differences", [apart])])
    assert "from 1 labelled image a class (10 draws); supervised 30.0% (3 draws), 20.0 points less" in said
    assert said.endswith(". Intervals: 95 %, over draws and test images.")
