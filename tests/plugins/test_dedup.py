"""De-duplication of a set with planted copies: tables, keep-list, judgement, and training on what is kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import gan_probe
from gan_probe import BadInputError
from gan_probe.data import Data, Split, open_data
from gan_probe.duplicates.keeplist import read_keep_list
from gan_probe.duplicates.planted import EDITS

QUICK = {"steps": 20, "planted": 60, "sheet": 8}
COPIES = 24


@pytest.fixture(scope="module")
def data():
    """240 drawn rooms, of which 24 are there twice, moved by a pixel; 3 of 30 test images are among them too."""
    rooms = open_data("toy-rooms").train.subset(np.arange(267)).load(32, 3).images
    train, strangers = rooms[:240], rooms[240:]
    copies = EDITS["shift by 1 px"](train[:COPIES])
    test = np.concatenate([EDITS["JPEG, quality 75"](train[100:103]), strangers])
    return Data(
        "rooms", Split.from_arrays("rooms train", np.concatenate([train, copies])), Split.from_arrays("t", test)
    )


@pytest.fixture(scope="module")
def report(data):
    return gan_probe.run(None, "dedup", data=data, **QUICK)


def row(report, table, **wanted):
    return next(r for r in report.table(table).rows if all(r[k] == v for k, v in wanted.items()))


def artifact(report, name):
    return next(a.content for a in report.artifacts if a.name == name)


def test_the_keep_list_leaves_out_the_planted_copies(report, data, tmp_path):
    path = tmp_path / "keep.txt"
    path.write_bytes(artifact(report, "keep-list.txt"))
    _, said = read_keep_list(path, data.train)
    kept = [int(line) for line in path.read_text().splitlines() if line[0] != "#"]
    lost = sorted(set(range(len(data.train))) - set(kept))
    assert sum(i >= 240 for i in lost) >= 0.95 * COPIES  # the copies come second, and the first is kept
    assert sum(i < 240 for i in lost) <= 1
    assert said["kept"] == len(kept)
    assert row(report, "methods", method="overlay")["left out"] == len(lost)


def test_recall_is_counted_against_the_planted_originals(report):
    for kind in ("shift by 1 px", "JPEG, quality 75", "brightness x 1.2 or / 1.2", "mirror image"):
        found = row(report, "recall", copy=kind, method="overlay")
        assert found["n"] == 60
        assert found["low"] <= found["recall"] <= found["high"]
        assert found["recall"] >= 0.95
    # the baselines do not see through a mirror: the tables tell the methods apart
    assert row(report, "recall", copy="mirror image", method="pHash, 4 bits")["recall"] < 0.1
    assert row(report, "recall", copy="shift by 3 px", method="paper's hash")["recall"] < 0.1
    assert row(report, "false-alarms", method="overlay")["share"] <= 0.05


def test_the_findings_are_the_tables_and_what_the_method_sees(report):
    first, last = report.findings
    left = row(report, "methods", method="overlay")["left out"]
    assert first.startswith(f"{left} of 264 images of rooms train (")
    assert "repeat another by overlay: the keep-list leaves them out. Of 60 planted copies of a kind it finds " in first
    kinds = [r for r in report.table("recall").rows if r["method"] == "overlay"]
    worst, best = (of(kinds, key=lambda r: r["recall"]) for of in (min, max))
    assert f"it finds {worst['found']} (" in first
    assert f" to {best['found']} (" in first
    assert f"it flags {row(report, 'false-alarms', method='overlay')['flagged']} of as many images turned" in first
    assert last.startswith("3 of 30 test images (10.00%; ")


def test_test_images_in_the_training_set_are_counted(report):
    assert row(report, "test")["in training"] == 3


def test_the_sheet_is_judged_by_the_pairs_drawn(report, data, tmp_path):
    lines = artifact(report, "pairs.csv").decode().splitlines()
    assert len(lines) == 1 + QUICK["sheet"]
    path = tmp_path / "judged.csv"
    path.write_text("\n".join([lines[0], lines[1] + "no", *(line + "yes" for line in lines[2:])]))
    judged = gan_probe.run(None, "dedup", data=data, judged=str(path), **QUICK)
    assert judged.findings[1].startswith("By eye, 1 of 8 such pairs (12.5%; ")
    assert "%) was no duplicate. " in judged.findings[1]
    judged = judged.table("judged").rows[0]
    assert (judged["pairs judged"], judged["wrong"]) == (8, 1)
    assert judged["low"] < 1 / 8 < judged["high"]
    path.write_text(path.read_text().replace("image 0,", "image 1,").replace("image 2", "image 3"))
    with pytest.raises(BadInputError, match="judge this run's pairs"):
        gan_probe.run(None, "dedup", data=data, judged=str(path), **QUICK)


def test_batch_size_has_no_influence_and_the_hash_can_decide_alone(report, data):
    other = gan_probe.run(None, "dedup", data=data, batch_size=3, by="hash", **QUICK)
    assert other.table("methods").rows == report.table("methods").rows
    assert other.table("recall").rows == report.table("recall").rows
    left = row(report, "methods", method="paper's hash")["left out"]
    assert f"# kept: {len(data.train) - left} of".encode() in artifact(other, "keep-list.txt")


def test_a_set_without_duplicates_is_kept_whole():
    few = open_data("toy-rooms").train.subset(np.arange(40))
    report = gan_probe.run(None, "dedup", data=Data("few", few), planted=10, steps=5)
    assert {figure.name for figure in report.figures} == {"recall", "agreement"}
    assert report.findings[0].startswith("0 of 40 images of ")
    assert "keep-list" not in report.findings[0]
    assert b"# kept: 40 of 40" in artifact(report, "keep-list.txt")
    with pytest.raises(BadInputError, match="nothing to judge"):
        gan_probe.run(None, "dedup", data=Data("few", few), planted=10, steps=5, judged="x.csv")
    with pytest.raises(BadInputError, match="single image"):
        gan_probe.run(None, "dedup", data=Data("one", few.subset(np.arange(1))))


def test_training_uses_the_keep_list_and_the_card_says_so(report, data, gan_probe_command):
    np.savez("rooms.npz", images=data.train.load(32, 3).images)
    Path("keep.txt").write_bytes(artifact(report, "keep-list.txt"))
    line = ["train", "--data", "rooms.npz", "--keep-list", "keep.txt", "--out", "a.pt", "--width", 2, "--epochs", 1]
    line += ["--image-size", 16, "--z-size", 4]
    code, _, err = gan_probe_command(*line)
    assert code == 0, err
    kept = len(data.train) - row(report, "methods", method="overlay")["left out"]
    training = gan_probe.load("a.pt").card.training
    assert training["images"] == kept
    said = training["data"]["keep_list"]
    assert (said["file"], said["kept"], said["of"]) == ("keep.txt", kept, len(data.train))
    assert f"the {kept} on the keep-list keep.txt" in Path("a-training/index.html").read_text()
    np.savez("rooms.npz", images=data.train.load(32, 3).images[::-1])
    code, _, err = gan_probe_command(*line, "--force")
    assert code == 3
    assert err.count("\n") == 1
    assert "run dedup on it anew" in err


def test_images_that_cannot_be_read_are_not_on_the_keep_list(tree, png):
    rng = np.random.default_rng(0)
    files = {f"{i:03}.png": png(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for i in range(40)}
    data = open_data(tree(files | {"007.png": b"damaged"}))
    report = gan_probe.run(None, "dedup", data=data, planted=10, steps=5)
    names = [line.split("\t")[1] for line in artifact(report, "keep-list.txt").decode().splitlines() if line[0] != "#"]
    assert names == sorted(files.keys() - {"007.png"})
    assert any("cannot be read" in note for note in report.notes)


def test_options_are_bounded(data):
    for wrong in ({"planted": 5}, {"agreement": 1.5}, {"by": "eye"}):
        with pytest.raises(BadInputError):
            gan_probe.run(None, "dedup", data=dataclasses.replace(data, test=None), **wrong)
