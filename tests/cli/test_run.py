"""`gan-probe run`: what it prints, what it leaves on disk, and its mistakes, each one line."""

import json
import os
import re

import pytest

from .one_line import one_line
from .small_plugins import CRASH


def test_the_main_job_prints_its_table_and_ends_with_the_reports_path(gan_probe_command, checkpoint, tmp_path):
    code, out, _ = gan_probe_command(
        "run",
        "--plugin",
        "linear-probe",
        checkpoint,
        "--data",
        "digits",
        "--c",
        "0.01",
        "--train-size",
        200,
        "--out",
        "r",
    )
    assert code == 0
    assert "trained D" in out
    assert out.splitlines()[-1] == os.path.join("r", "index.html")
    folder = tmp_path / "cwd" / "r"
    assert {p.name for p in folder.iterdir() if not p.name.startswith(".")} >= {
        "index.html",
        "report.json",
        "tables",
        "figures",
    }
    assert (folder / "tables" / "linear-probe-accuracy.csv").is_file()
    assert (folder / "tables" / "linear-probe-accuracy.tex").is_file()
    assert (folder / "figures" / "linear-probe-confusion.png").is_file()


def test_json_is_the_report_alone_and_keeps_its_promised_shape(gan_probe_command, checkpoint):
    code, out, _ = gan_probe_command(
        "run", "-p", "linear-probe", checkpoint, "--data", "digits", "--c", "0.01", "--train-size", 100, "--json"
    )
    report = json.loads(out)
    assert code == 0
    assert set(report) >= {"checkpoint", "run", "analyses"}
    (analysis,) = report["analyses"]
    assert set(analysis) >= {"name", "status", "options", "findings", "tables", "figures", "artifacts", "notes"}
    table = next(t for t in analysis["tables"] if t["name"] == "accuracy")
    assert set(table) >= {"name", "columns", "rows"}
    assert set(table["rows"][0]) >= {"features", "accuracy", "low", "high", "n_train", "n_test", "C"}
    assert analysis["options"]["train_size"] == 100
    run = report["run"]
    assert run["seed"] == 0
    assert run["data"] == "digits"
    assert run["images"][0]["fingerprint"]
    assert "torch" in run["versions"]
    assert report["checkpoint"]["sha256"]


def test_report_json_on_disk_is_what_json_prints(gan_probe_command, checkpoint, tmp_path):
    _, out, _ = gan_probe_command("run", "-p", "samples", checkpoint, "--count", 4, "--json", "--out", "r")
    assert json.loads((tmp_path / "cwd" / "r" / "report.json").read_text()) == json.loads(out)


def test_without_plugin_everything_that_can_run_runs(gan_probe_command, checkpoint):
    code, out, _ = gan_probe_command("run", checkpoint, "--json")
    assert code == 0
    assert [a["name"] for a in json.loads(out)["analyses"]] == ["directions", "latent-walk", "samples"]


@pytest.mark.usefixtures("quick_processes")
def test_a_crash_costs_only_itself(gan_probe_command, checkpoint, install, tmp_path):
    install("crash", CRASH)
    code, out, err = gan_probe_command("run", "-p", "crash", "-p", "samples", checkpoint, "--out", "r", "--count", 4)
    assert code == 4
    assert re.search(
        r"crash failed: ZeroDivisionError: division by zero \(\w+.py, line \d+\); --debug shows more", one_line(err)
    )
    assert "Discriminator's scores" in out
    statuses = {a["name"]: a["status"] for a in json.loads((tmp_path / "cwd/r/report.json").read_text())["analyses"]}
    assert statuses == {"crash": "failed", "samples": "ok"}


@pytest.mark.usefixtures("quick_processes")
def test_debug_shows_the_traceback(gan_probe_command, checkpoint, install):
    install("crash", CRASH)
    assert "Traceback" in gan_probe_command("run", "-p", "crash", checkpoint, "--debug")[2]


def test_a_plugin_left_out_is_named_on_standard_error(gan_probe_command, checkpoint, install):
    install("bad", "import no_such_module")
    code, _, err = gan_probe_command("run", "-p", "samples", checkpoint, "--count", 4)
    assert code == 0
    assert "bad-dist:bad left out" in one_line(err)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-p", "liner-probe", "CKPT"], 2, "did you mean 'linear-probe'"),
        (["-p", "samples", "missing.pt"], 3, "missing.pt"),
        (["-p", "samples", "text.pt"], 3, "text"),
        (["-p", "samples", "CKPT", "--count", "many"], 3, "--count needs a whole number"),
        (["-p", "samples", "CKPT", "--cuont", "3"], 2, "--cuont"),
        (["-p", "samples", "CKPT", "--device", "quantum"], 2, "use cpu"),
        (["-p", "samples", "CKPT", "--device", "meta"], 2, "use cpu"),
        (["-p", "samples", "CKPT", "--device", "cuda:99"], 2, "use cpu"),
        (["CKPT", "--train-size", "50"], 2, "--train-size is an option of linear-probe: add --plugin linear-probe"),
        (["-p", "samples", "CKPT", "--baselines", "none"], 2, "add --plugin linear-probe"),
        (["-p", "samples"], 3, "needs a checkpoint"),
        (["-p", "linear-probe", "CKPT"], 3, "--data"),
        (["-p", "linear-probe", "CKPT", "--data", "digts"], 3, "digits"),
        (["-p", "linear-probe", "CKPT", "--data", "no/such/folder"], 3, "no/such/folder"),
        (["-p", "samples", "CKPT", "--out", "text.pt"], 5, "text.pt"),
        (["-p", "samples", "CKPT", "--out", "text.pt/r"], 5, "text.pt"),
        (["-p", "samples", "CKPT", "--seed", "-1"], 2, "--seed"),
    ],
)
def test_a_mistake_is_one_line_with_its_exit_code(gan_probe_command, checkpoint, tmp_path, arguments, code, words):
    (tmp_path / "cwd" / "text.pt").write_text("these are not the weights\n")
    before = {p.name for p in (tmp_path / "cwd").iterdir()}
    found, out, err = gan_probe_command("run", *(checkpoint if a == "CKPT" else a for a in arguments))
    assert found == code, err
    assert words in one_line(err)
    assert out == ""
    assert {p.name for p in (tmp_path / "cwd").iterdir()} == before
