"""`gan-probe compare`: what it prints, what lands on disk, and what survives a failure."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import gan_probe
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

PROBE = ("-p", "linear-probe", "--data", "digits", "--c", "0.01", "--train-size", 100, "--test-size", 60)
ALONE = (*PROBE, "--baselines", "none")  # where its controls are not looked at


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ckpts")
    for name, gan in (("a", tiny_gan(0)), ("b", tiny_gan(1)), ("colour", tiny_gan(2, image_size=32, channels=3))):
        gan.card = dataclasses.replace(gan.card, name=name)
        save_checkpoint(gan, folder / f"{name}.pt")
    return folder


def reports(folder):
    return {p.parent.name: json.loads(p.read_text()) for p in folder.rglob("report.json")}


def test_two_checkpoints_are_compared_and_each_keeps_its_own_report(gan_probe_command, checkpoints, tmp_path):
    code, out, _ = gan_probe_command("compare", checkpoints / "a.pt", checkpoints / "b.pt", *PROBE, "--out", "c")
    assert code == 0
    assert out.splitlines()[-1] == os.path.join("c", "index.html")
    assert "Test accuracy, trained D" in out
    found = reports(tmp_path / "cwd" / "c")
    assert set(found) == {"c", "a", "b"}
    (row,) = [
        row
        for analysis in found["c"]["analyses"]
        for table in analysis["tables"]
        if table["name"] == "accuracy"
        for row in table["rows"]
        if row["checkpoint"] == "b"
    ]
    own = {
        name: next(t for t in found[name]["analyses"][0]["tables"] if t["name"] == "accuracy")["rows"][0]["accuracy"]
        for name in "ab"
    }
    assert row["value"] == own["b"]
    assert row["difference"] == pytest.approx(own["b"] - own["a"])
    assert "Differences from a:" in next(
        t["caption"] for a in found["c"]["analyses"] for t in a["tables"] if t["name"] == "accuracy"
    )
    assert (tmp_path / "cwd/c/tables/linear-probe-accuracy.csv").is_file()
    assert (tmp_path / "cwd/c/tables/linear-probe-accuracy.tex").is_file()
    assert (tmp_path / "cwd/c/figures/linear-probe-accuracy.png").is_file()


def test_the_values_behind_a_number_land_beside_the_report(gan_probe_command, checkpoints, tmp_path):
    gan_probe_command("run", checkpoints / "a.pt", *ALONE, "--out", "r")
    (analysis,) = json.loads((tmp_path / "cwd/r/report.json").read_text())["analyses"]
    measure = next(m for m in analysis["measures"] if m["name"] == "accuracy")
    assert measure["n"] == 60
    with (tmp_path / "cwd/r" / measure["file"]).open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["test image", "value"]
    assert [int(line[0]) for line in lines] == list(range(60))
    assert np.mean([float(line[1]) for line in lines]) == measure["value"]


def test_the_images_are_decoded_once_for_all(gan_probe_command, checkpoints, monkeypatch):
    from gan_probe.data.arrays import ArrayPixels

    loads = []
    decode = ArrayPixels.load

    def counting(self, indices, *rest):
        loads.append(len(indices))
        return decode(self, indices, *rest)

    monkeypatch.setattr(ArrayPixels, "load", counting)
    gan_probe_command("compare", checkpoints / "a.pt", *ALONE, checkpoints / "b.pt", checkpoints / "a.pt", "--out", "c")
    assert sorted(loads) == [60, 100]


def test_a_damaged_checkpoint_costs_only_itself(gan_probe_command, checkpoints, tmp_path):
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint")
    code, out, err = gan_probe_command("compare", broken, checkpoints / "a.pt", checkpoints / "b.pt", *ALONE)
    assert code == 4
    assert "Traceback" not in err
    assert "broken failed" in err
    found = reports(tmp_path / "cwd" / "comparison")
    assert {"a", "b", "comparison"} <= set(found)
    assert "failed" in out


def test_different_sizes_are_compared_where_the_number_is_of_the_same_thing(gan_probe_command, checkpoints, tmp_path):
    code, _, _ = gan_probe_command(
        *("compare", checkpoints / "a.pt", checkpoints / "colour.pt", *ALONE, "-p", "quality", "--data", "digits"),
        *("--feature-space", "pixels", "--samples", 60),
    )
    assert code == 0
    _, probe, quality = json.loads((tmp_path / "cwd/comparison/report.json").read_text())["analyses"]
    assert probe["tables"][0]["rows"][1]["difference"] is not None
    assert quality["tables"][0]["rows"][1]["marked"] == "not comparable: FID in pixels (32x32x3)"


def test_a_folder_of_snapshots_is_a_series(gan_probe_command, tmp_path):
    for epoch in (10, 2):
        folder = tmp_path / "run-training" / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        save_checkpoint(tiny_gan(epoch), folder / f"epoch-{epoch}.pt")
    code, out, _ = gan_probe_command("compare", tmp_path / "run-training", "-p", "samples", "--count", 4)
    assert code == 0
    assert out.index("epoch-2") < out.index("epoch-10")
    assert (tmp_path / "cwd/comparison/epoch-2/figures/samples-grid.png").is_file()
    assert (tmp_path / "cwd/comparison/figures/samples-grid-side-by-side.png").is_file()


def test_older_snapshots_take_their_data_from_what_the_training_ended_with(gan_probe_command, tmp_path):
    kept = tmp_path / "a-training" / "checkpoints"
    kept.mkdir(parents=True)
    for path, epochs, data in ((kept / "epoch-1.pt", 1, ""), (tmp_path / "a.pt", 2, "digits")):
        gan = tiny_gan(epochs)
        card = dataclasses.replace(gan.card, name=path.stem, training_data=data, training={"epochs": epochs})
        gan.card = card
        save_checkpoint(gan, path)
    words = ("--feature-space", "pixels", "--samples", 60)
    code, _, err = gan_probe_command("compare", tmp_path / "a-training", "-p", "quality", *words)
    assert code == 0
    assert "the data are digits, as the card of a says" in err
    whole = json.loads((tmp_path / "cwd/comparison/report.json").read_text())
    assert whole["title"] == "Training a: epoch-1 and epoch-2 (a.pt)"
    assert [part["title"] for part in whole["methods"]][:2] == ["Setting", "Comparison"]
    assert "The checkpoint is" not in whole["methods"][0]["text"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("a.pt", "-p", "samples"), 3, "compare takes two"),
        (("a.pt", "absent.pt", "-p", "samples"), 3, "no such file"),
        (("a.pt", "b.pt"), 2, "--plugin"),
        (("-p", "samples"), 2, "ckpt"),
        (("a.pt", "b.pt", "-p", "samples", "--count", "0"), 3, "count"),
        (("a.pt", "b.pt", "-p", "smaples"), 2, "did you mean 'samples'"),
    ],
)
def test_a_wrong_call_is_one_line(gan_probe_command, checkpoints, words, code, said):
    words = [checkpoints / w if w.endswith(".pt") else w for w in words]
    got, out, err = gan_probe_command("compare", *words)
    assert got == code
    assert said.lower() in err.lower()
    assert out == ""
    assert len(err.splitlines()[-1]) < 330
    assert "Traceback" not in err


def test_where_nothing_can_run_the_code_is_the_errors_own(gan_probe_command, checkpoints):
    code, _, err = gan_probe_command("compare", checkpoints / "a.pt", checkpoints / "b.pt", "-p", "linear-probe")
    assert code == 3
    assert "a failed: linear-probe needs a data set: pass --data" in err


def test_a_comparison_is_not_replaced_unless_forced(gan_probe_command, checkpoints):
    line = ("compare", checkpoints / "a.pt", checkpoints / "b.pt", "-p", "samples", "--count", 4)
    assert gan_probe_command(*line)[0] == 0
    code, _, err = gan_probe_command(*line)
    assert code == 5
    assert "--force" in err
    assert gan_probe_command(*line, "--force")[0] == 0


SLOW = """
import time
from gan_probe import Analysis, Report, hookimpl
class A(Analysis):
    "Waits."
    name = "waits"
    needs = frozenset({"sample"})
    def run(self, gan, options, ctx):
        if gan.card.name == "b":
            print("waiting", flush=True)
            time.sleep(60)
        return Report()
@hookimpl
def register_analyses():
    return [A]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_what_had_ended_survives_an_interruption(checkpoints, install, tmp_path):
    site = install("waits", SLOW)
    words = [
        "compare",
        checkpoints / "a.pt",
        checkpoints / "b.pt",
        checkpoints / "a.pt",
        "-p",
        "samples",
        "-p",
        "waits",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "gan_probe", *map(str, words), "--count", "4", "--in-process"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *sys.path])},
        text=True,
    ) as process:
        while "waiting" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    found = reports(tmp_path / "comparison")
    assert [a["status"] for a in found["a"]["analyses"]] == ["ok", "ok"]
    assert [a["status"] for a in found["b"]["analyses"]] == ["ok", "interrupted"]
    said = {row["checkpoint"]: row["analyses"] for row in found["comparison"]["analyses"][0]["tables"][0]["rows"]}
    assert said == {"a": "all 2 ok", "b": "waits interrupted", "a (2)": "samples failed, waits failed"}


def test_python_compares_what_is_open_and_what_is_named(checkpoints):
    other = tiny_gan(1)
    report = gan_probe.compare(
        [checkpoints / "a.pt", other], "linear-probe", data="digits", c=(0.01,), train_size=100, test_size=60
    )
    rows = report.table("accuracy").rows
    assert [row["checkpoint"] for row in rows] == ["a", "tiny"]
    assert rows[1]["difference"] is not None
    assert report.name == "linear-probe"


def test_python_raises_where_nothing_can_be_run(checkpoints):
    with pytest.raises(gan_probe.BadInputError, match="data"):
        gan_probe.compare([checkpoints / "a.pt", checkpoints / "b.pt"], "linear-probe")
