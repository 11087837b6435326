"""The paper's protocols: its grids, few labels drawn again and again, its tables, and the ladder of baselines."""

import pytest

import gan_probe
from gan_probe import BadInputError
from gan_probe.testing import tiny_gan

from .rows import rows


def test_the_grid_holds_the_releases_values():
    from gan_probe_plugins.linear_probe.protocols import RELEASE, WIDE

    assert set(RELEASE) <= set(WIDE)
    assert RELEASE == (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)


def test_few_labels_are_drawn_again_and_again_and_compared_draw_by_draw(world):
    report = gan_probe.run(
        tiny_gan(width=8), "linear-probe", data=world, c="0.01,0.1", labels_per_class="5,20", draws=6
    )
    found = {(row["features"], row["labels per class"]): row for row in report.table("few-labels").rows}
    assert set(found) == {(n, k) for n in ("trained D", "random weights", "raw pixels") for k in (5, 20)}
    few, more = found["trained D", 5], found["trained D", 20]
    assert (few["n_train"], few["draws"]) == (15, 6)
    assert 0 <= few["low"] <= few["accuracy"] <= few["high"] <= 1
    assert more["accuracy"] > few["accuracy"]  # labels help
    compared = report.table("few-label-differences").rows
    assert [row["difference"] for row in compared if row["labels per class"] == 20] == [
        pytest.approx(more["accuracy"] - found[other, 20]["accuracy"]) for other in ("random weights", "raw pixels")
    ]
    assert "few-labels" in {figure.name for figure in report.figures}


def test_the_svhn_protocol_holds_images_out_for_c_alone_and_prints_the_papers_table(world):
    report = gan_probe.run(
        tiny_gan(width=8), "linear-probe", data=world, protocol="svhn", c="0.01,0.1", labels_per_class=10, draws=5
    )
    assert [table.name for table in report.tables] == ["few-labels", "few-label-differences", "paper-table-2"]
    table = report.table("paper-table-2").rows
    assert {row["source"] for row in table} == {"published", "measured here"}
    assert {row["method"]: row["test error"] for row in table}["DCGAN + L2-SVM"] == 0.2248
    mine = next(row for row in table if row["method"] == "trained D + L2-SVM")
    assert mine["test error"] == pytest.approx(1 - report.table("few-labels").rows[0]["accuracy"])
    assert any("recomputed on 128 of the 240 training images" in note for note in report.notes)


def test_the_cifar10_protocol_adds_400_a_class_and_the_papers_table(world):
    report = gan_probe.run(
        tiny_gan(width=8), "linear-probe", data=world, protocol="cifar10", c="0.1", labels_per_class=40, draws=3
    )
    rows = [row for row in report.table("paper-table-1").rows if row["source"] == "measured here"]
    assert [row["method"] for row in rows] == [f"{n} + L2-SVM" for n in ("trained D", "random weights", "raw pixels")]
    assert rows[0]["accuracy"] == report.table("accuracy").rows[0]["accuracy"]


def test_draws_that_a_class_has_too_few_images_for_are_refused(world):
    with pytest.raises(BadInputError, match="--labels-per-class"):
        gan_probe.run(tiny_gan(), "linear-probe", data=world, labels_per_class=200, baselines="none")


def test_kmeans_and_a_supervised_network_are_rungs_of_the_ladder(world):
    report = gan_probe.run(
        tiny_gan(width=8),
        "linear-probe",
        data=world,
        c="0.001,0.01",
        labels_per_class=20,
        draws=3,
        baselines="kmeans,supervised",
        centroids=20,
        trials=2,
    )
    found = rows(report)
    assert list(found) == ["trained D", "K-means, 20 centroids", "supervised CNN"]
    assert found["K-means, 20 centroids"]["dimensions"] == 80
    assert found["supervised CNN"]["accuracy"] > 0.6  # stripes are what convolutions are for
    assert found["supervised CNN"]["C"] is None
    trials = report.table("supervised-trials").rows
    assert [row["labels"] for row in trials] == [300] * 2 + [60] * 6
    assert sum(row["chosen"] for row in trials) == 4
    few = {row["features"]: row for row in report.table("few-labels").rows}
    assert few["supervised CNN"]["draws"] == 3
