"""`gan-probe paper`, from the command line to the page; with few items, as all of them take minutes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan
from gan_probe_plugins.paper import items
from gan_probe_plugins.paper.items.forgetting import Forgetting
from gan_probe_plugins.paper.items.probes import Cifar10
from gan_probe_plugins.paper.items.samples import AfterFive, AfterOne, Now
from gan_probe_plugins.paper.progress import Account, roughly


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "tiny.pt"
    save_checkpoint(tiny_gan(), path)
    return path


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(items, "all_items", lambda: [Now(), AfterOne(), AfterFive(), Forgetting()])


def parts(folder):
    return {a["name"]: a for a in json.loads((folder / "report.json").read_text())["analyses"]}


@pytest.mark.usefixtures("few")
def test_the_report_says_what_was_done_and_what_would_make_the_rest_run(gan_probe_command, checkpoint, tmp_path):
    kept = tmp_path / "tiny-training" / "checkpoints"
    kept.mkdir(parents=True)
    save_checkpoint(tiny_gan(seed=1), kept / "epoch-1.pt")
    code, out, err = gan_probe_command("paper", checkpoint, "--quick")
    assert code == 0
    assert out.splitlines() == [
        "shown    Figures 2 and 3. Samples of this checkpoint",
        "shown    Figure 2. Samples after one epoch",
        "not run  Figure 3. Samples after five epochs",
        "not run  Figure 6. Forgetting an object",
        "Of 4 items: 2 shown, 2 not run. Intervals are each item's own: none is corrected for their number.",
        os.path.join("tiny-paper-quick", "index.html"),
    ]
    assert "[4/4] The paper's Figure 6. Forgetting an object: refused: needs boxes on samples" in err
    assert "to go in all" in err
    folder = tmp_path / "cwd" / "tiny-paper-quick"
    found = parts(folder)
    assert list(found) == ["paper", "samples", "figure-2", "figure-3", "figure-6"]
    assert {name: a["status"] for name, a in found.items()} == {
        "paper": "ok",
        "samples": "ok",
        "figure-2": "ok",  # of the snapshot beside the checkpoint
        "figure-3": "refused",
        "figure-6": "refused",
    }
    rows = {row["item"].partition(".")[0]: row for row in found["paper"]["tables"][0]["rows"]}
    assert rows["Figures 2 and 3"]["outcome"] == rows["Figure 2"]["outcome"] == "shown"
    assert rows["Figure 3"]["outcome"] == "not run"
    assert "--snapshots 1,5" in rows["Figure 3"]["why"]
    assert "--boxes FILE" in rows["Figure 6"]["why"]
    scores = [found[name]["tables"][2]["rows"][0]["median"] for name in ("samples", "figure-2")]
    assert scores[0] != scores[1]
    assert [t["name"] for t in found["samples"]["tables"]][:2] == ["beside-the-paper", "deviations"]
    said = {row["source"]: row["what it says"] for row in found["samples"]["tables"][0]["rows"]}["outcome"]
    assert found["samples"]["findings"] == [f"S{said[1:]}."]  # the samples have no finding of their own
    page = (folder / "index.html").read_text()
    assert "<h1>The DCGAN paper, remade for tiny</h1>" in page
    assert page.count('<a href="#analysis-3">') == 2  # from the contents, and from the summary
    assert page.count('<a href="#analysis-4">') == 1  # from the summary, to the list of what did not run
    assert page.count('<li id="analysis-4"') == page.count('<section id="not-run"') == 1
    assert (folder / "tables" / "paper-summary.csv").is_file()
    assert (folder / "tables" / "samples-deviations.tex").is_file()


@pytest.mark.usefixtures("few")
def test_what_is_done_is_taken_over_without_asking(gan_probe_command, checkpoint, tmp_path):
    assert gan_probe_command("paper", checkpoint, "--quick", "--out", "r")[0] == 0
    first = parts(tmp_path / "cwd/r")
    code, _, err = gan_probe_command("paper", checkpoint, "--quick", "--out", "r")
    assert code == 0
    assert "[1/4] The paper's Figures 2 and 3. Samples of this checkpoint: taken over" in err
    assert parts(tmp_path / "cwd/r") == first
    code, _, err = gan_probe_command("paper", checkpoint, "--quick", "--out", "r", "--force")
    assert code == 0
    assert "taken over" not in err
    code, _, err = gan_probe_command("paper", checkpoint, "--quick", "--out", "r", "--seed", 1)
    assert code == 5
    assert "another run's report" in err


@pytest.mark.usefixtures("few")
def test_a_checkpoint_of_five_epochs_is_its_own_snapshot_of_epoch_5(gan_probe_command, tmp_path):
    gan = tiny_gan()
    gan.card = dataclasses.replace(gan.card, training={"epochs": 5})
    save_checkpoint(gan, tmp_path / "tiny.pt")
    line = ("paper", tmp_path / "tiny.pt", "--quick", "--out", "r")
    assert gan_probe_command(*line)[0] == 0
    found = parts(tmp_path / "cwd/r")
    assert {name: found[name]["status"] for name in ("samples", "figure-2", "figure-3")} == {
        "samples": "ok",
        "figure-2": "refused",
        "figure-3": "ok",
    }
    assert found["samples"]["key"] == found["figure-3"]["key"]  # one result in two parts, each taken over as its own
    assert gan_probe_command(*line)[2].count("taken over") == 2
    # what was done is told once, under the analysis' own name
    titles = [part["title"] for part in json.loads((tmp_path / "cwd/r/report.json").read_text())["methods"]]
    assert titles == ["Setting", "Samples"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10, "less than a minute"),
        (150, "a few minutes"),
        (400, "about 5 min"),
        (1100, "about 20 min"),
        (3400, "about 1 hour"),
        (9000, "about 2 hours"),
    ],
)
def test_a_guess_is_told_no_more_exactly_than_it_is_known(seconds, words):
    assert roughly(seconds) == words


def test_the_first_guess_goes_by_the_size_of_the_images(capsys):
    every = items.all_items()[:11]  # what runs without judges and boxes
    task = SimpleNamespace(title="Figure 2")
    for size, words in ((16, "a few minutes"), (32, "about 20 min")):
        Account(every, [item.name for item in every], True, size).begin(task)
        assert capsys.readouterr().err == f"Figure 2: running; {words} to go in all\n"


def test_a_failed_item_is_exit_code_4_and_costs_no_other(gan_probe_command, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(items, "all_items", lambda: [Now(), Cifar10()])
    (tmp_path / "cwd" / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "cwd" / "photos" / "dog").mkdir()
    from PIL import Image

    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):  # too few for any probe
        Image.new("L", (16, 16), 99).save(tmp_path / "cwd" / "photos" / name)
    code, _, err = gan_probe_command("paper", checkpoint, "--labelled", "photos", "--quick", "--out", "r")
    assert code == 4
    assert "Traceback" not in err
    found = parts(tmp_path / "cwd/r")
    assert (found["samples"]["status"], found["table-1"]["status"]) == ("ok", "failed")
    assert found["paper"]["tables"][0]["rows"][1]["outcome"] == "not run"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "missing argument 'CKPT'"),
        (["none.pt"], 3, "none.pt"),
        (["CKPT", "--data", "no/such/folder"], 3, "no/such/folder"),
        (["CKPT", "--out", "mine"], 5, "not a report of ours"),
    ],
)
def test_a_mistake_is_one_line(gan_probe_command, checkpoint, tmp_path, arguments, code, words):
    (tmp_path / "cwd" / "mine").mkdir()
    (tmp_path / "cwd" / "mine" / "thesis.tex").write_text("years")
    found, _, err = gan_probe_command("paper", *(checkpoint if a == "CKPT" else a for a in arguments))
    assert found == code
    assert words in err
    assert len([line for line in err.splitlines() if line.startswith("gan-probe: ")]) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_the_whole_paper_stopped_killed_and_gone_on_with(tmp_path):
    line = [sys.executable, "-m", "gan_probe", "paper", "digits-dcgan", "--quick", "--out", str(tmp_path / "r")]

    def until(words: str, number: signal.Signals) -> int:
        with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as run:
            for said in run.stderr:
                if words in said:
                    time.sleep(0.5)
                    run.send_signal(number)
            return run.wait()

    assert until("[3/15]", signal.SIGTERM) == 75
    before = parts(tmp_path / "r")
    assert before["figure-4"]["status"] == "interrupted"
    assert until("[6/15]", signal.SIGKILL) == -signal.SIGKILL
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("taken over") >= 4
    after = parts(tmp_path / "r")
    assert len(after) == 16
    assert {a["status"] for a in after.values()} == {"ok", "refused"}
    for name in ("no-collapse", "quality", "samples"):
        assert after[name] == before[name]
