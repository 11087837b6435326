"""`gan-probe run`: what it prints, what it leaves on disk, and how it fails."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

CRASH = """
from gan_probe import Analysis, Report, hookimpl
class A(Analysis):
    "Crashes."
    name = "crash"
    def run(self, gan, options, ctx):
        raise ZeroDivisionError("division by zero")
@hookimpl
def register_analyses():
    return [A]
"""
TWO = """
from dataclasses import dataclass
from gan_probe import Analysis, Options, Report, Table, hookimpl, option
@dataclass(frozen=True)
class O(Options):
    count: int = option(3, "how many", min=1)
    loud: bool = option(False, "whether")
class A(Analysis):
    "Counts."
    name = "counter"
    Options = O
    def run(self, gan, options, ctx):
        return Report(tables=[Table("t", [{"count": options.count, "loud": options.loud}])])
@hookimpl
def register_analyses():
    return [A]
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("ckpt") / "tiny.pt"
    save_checkpoint(tiny_gan(), path)
    return path


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("gan-probe: ")]
    assert len(lines) == 1
    assert len(lines[0]) < 330
    assert "Traceback" not in err
    return lines[0]


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
    assert set(analysis) >= {"name", "status", "options", "tables", "figures", "artifacts", "notes"}
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


def test_the_name_of_an_analysis_may_be_attached_to_its_letter(gan_probe_command, checkpoint):
    code, out, _ = gan_probe_command("run", "-psamples", checkpoint, "--count", 4, "--json")
    assert code == 0
    assert json.loads(out)["analyses"][0]["options"]["count"] == 4


def test_a_plugins_options_are_real_options_with_help(gan_probe_command, install):
    install("counter", TWO)
    code, out, _ = gan_probe_command("run", "-p", "counter", "--help")
    assert code == 0
    assert "Options of counter" in out
    assert "--loud / --no-loud" in out
    assert "how many" in out


@pytest.mark.usefixtures("quick_processes")
def test_an_analysis_that_needs_no_checkpoint_runs_without_one(gan_probe_command, install):
    install("counter", TWO)
    code, out, _ = gan_probe_command("run", "-p", "counter", "--count", 7, "--loud", "--json")
    assert code == 0
    assert json.loads(out)["analyses"][0]["tables"][0]["rows"] == [{"count": 7, "loud": True}]


@pytest.mark.usefixtures("quick_processes")
def test_a_shared_option_needs_its_plugins_name_in_front(gan_probe_command, checkpoint, install):
    install("counter", TWO)
    chosen = ["run", "-p", "counter", "-p", "samples", checkpoint]
    code, _, err = gan_probe_command(*chosen, "--count", 5)
    assert code == 2
    assert "--counter-count or --samples-count" in one_line(err)
    code, out, _ = gan_probe_command(*chosen, "--counter-count", 5, "--samples-count", 4, "--json")
    assert code == 0
    counter, samples = json.loads(out)["analyses"]
    assert (counter["options"]["count"], samples["options"]["count"]) == (5, 4)


def test_a_shared_option_may_have_a_dash(gan_probe_command):
    code, _, err = gan_probe_command("run", "-p", "collapse", "-p", "quality", "--feature-space", "pixels", "x.pt")
    assert code == 2
    assert "--collapse-feature-space or --quality-feature-space" in one_line(err)


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


def test_a_report_that_is_there_wants_force(gan_probe_command, checkpoint):
    arguments = ["run", "-p", "samples", checkpoint, "--count", 4, "--out", "r"]
    assert gan_probe_command(*arguments)[0] == 0
    code, _, err = gan_probe_command(*arguments)
    assert code == 5
    assert "--force" in one_line(err)
    assert gan_probe_command(*arguments, "--force")[0] == 0


def test_force_does_not_touch_a_folder_that_is_no_report(gan_probe_command, checkpoint, tmp_path):
    mine = tmp_path / "cwd" / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work")
    code, _, err = gan_probe_command("run", "-p", "samples", checkpoint, "--out", "thesis", "--force")
    assert code == 5
    one_line(err)
    assert (mine / "chapter.tex").read_text() == "years of work"


def test_a_folder_in_use_is_refused(gan_probe_command, checkpoint, tmp_path):
    from gan_probe.report.folder import ReportFolder

    with ReportFolder(tmp_path / "cwd" / "r", force=False):
        code, _, err = gan_probe_command("run", "-p", "samples", checkpoint, "--out", "r", "--force")
    assert code == 5
    one_line(err)


@pytest.mark.usefixtures("quick_processes")
def test_a_full_disk_is_one_line_and_keeps_what_had_landed(
    gan_probe_command, checkpoint, install, tmp_path, monkeypatch
):
    from gan_probe import disk

    install("counter", TWO)
    real = os.fsync

    def full(handle):
        # the disk fills up once the second analysis' picture is written
        if os.fstat(handle).st_size > 0 and (tmp_path / "cwd/r/figures").is_dir():
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(disk.os, "fsync", full)
    code, _, err = gan_probe_command(
        "run", "-p", "counter", "-p", "samples", checkpoint, "--out", "r", "--samples-count", 4
    )
    assert code == 5
    assert "No space left on device" in one_line(err)
    kept = json.loads((tmp_path / "cwd" / "r" / "report.json").read_text())
    assert [a["name"] for a in kept["analyses"]] == ["counter"]
    assert not list((tmp_path / "cwd" / "r").rglob("*.partial"))


def test_a_plugin_left_out_is_named_on_standard_error(gan_probe_command, checkpoint, install):
    install("bad", "import no_such_module")
    code, _, err = gan_probe_command("run", "-p", "samples", checkpoint, "--count", 4)
    assert code == 0
    assert "bad-dist:bad left out" in one_line(err)


def carded(path, **fields):
    gan = tiny_gan()
    gan.card = dataclasses.replace(gan.card, **fields)
    save_checkpoint(gan, path)
    return path


def test_a_card_cannot_choose_a_folder_of_yours(gan_probe_command, tmp_path):
    for name in ("train/a", "train/b"):
        (tmp_path / "cwd" / "private" / name).mkdir(parents=True)
    for named in ("private", "./private", str(tmp_path / "cwd" / "private")):
        code, _, err = gan_probe_command(
            "run", "-p", "linear-probe", carded(tmp_path / "x.pt", training_data=named), "--download"
        )
        assert code == 3
        assert "pass --data (the card names '" in one_line(err)
        assert "private', which is no registered set" in one_line(err)


def test_a_card_cannot_start_a_download(gan_probe_command, install, tmp_path):
    install(
        "sets",
        "from gan_probe import BadInputError, hookimpl\n"
        "from gan_probe.data import DatasetSource\n"
        "def open(request): raise BadInputError(f'download is {request.download}')\n"
        "@hookimpl\n"
        "def register_datasets(): return [DatasetSource('far', 'Far away.', open)]\n",
    )
    path = carded(tmp_path / "x.pt", training_data="far")
    code, _, err = gan_probe_command("run", "-p", "linear-probe", path, "--download")
    assert code == 3
    assert "the card names far, but: download is False" in one_line(err)
    assert "download is True" in gan_probe_command("run", "-p", "linear-probe", path, "--download", "--data", "far")[2]


def test_why_the_cards_data_cannot_be_used_is_said(gan_probe_command):
    code, _, err = gan_probe_command("run", "-p", "linear-probe", "digits-dcgan", "--labels", "foo")
    assert code == 3
    assert "digits has one set of labels" in one_line(err)
    code, _, err = gan_probe_command("run", "digits-dcgan", "--labels", "foo", "--out", "r")
    assert code == 0
    assert "note: no data: the card names digits, but: digits has one set of labels" in err


@pytest.mark.usefixtures("quick_processes")
def test_a_report_without_a_result_is_replaced_without_force(gan_probe_command, checkpoint, install, tmp_path):
    install("crash", CRASH)
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 4
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 4
    (tmp_path / "cwd" / "r" / "mine.txt").write_text("kept")
    assert gan_probe_command("run", "-p", "samples", checkpoint, "--count", 4, "--out", "r")[0] == 0
    assert (tmp_path / "cwd" / "r" / "mine.txt").read_text() == "kept"
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 5


STOPPED = """
import os, signal, time
from gan_probe import Analysis, hookimpl
class A(Analysis):
    "Is stopped."
    name = "stopped"
    def run(self, gan, options, ctx):
        os.kill(os.{who}(), signal.{signal})
        time.sleep(10)
@hookimpl
def register_analyses():
    return [A]
"""


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(("mode", "who"), [("--in-process", "getpid"), ("--isolate", "getppid")])
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_stopped_run_lists_what_it_did_not_do(gan_probe_command, checkpoint, install, tmp_path, number, mode, who):
    # a shell starts what runs in the background with Ctrl-C ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    install("stopped", STOPPED.format(signal=number, who=who))
    install("counter", TWO)
    before = signal.getsignal(signal.SIGTERM)
    names = ["-p", "counter", "-p", "stopped", "-p", "samples"]
    found, _, err = gan_probe_command("run", *names, checkpoint, "--out", "r", mode)
    assert found == 75
    assert "Traceback" not in err
    assert err.splitlines()[-1].endswith("what was done is in r: the same line with --resume goes on")
    report = json.loads((tmp_path / "cwd/r/report.json").read_text())
    statuses = {a["name"]: a["status"] for a in report["analyses"]}
    assert statuses == {"counter": "ok", "stopped": "interrupted", "samples": "interrupted"}
    assert "Interrupted." in (tmp_path / "cwd/r/index.html").read_text()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_reader_that_goes_early_costs_no_result(checkpoint, tmp_path):
    command = [sys.executable, "-m", "gan_probe", "run", "-p", "linear-probe", "-p", "samples", checkpoint]
    options = ["--data", "digits", "--train-size", "100", "--c", "0.1", "--baselines", "none", "--out", tmp_path / "r"]
    run = subprocess.Popen([*map(str, command), *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdout.close()
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    statuses = {a["name"]: a["status"] for a in json.loads((tmp_path / "r/report.json").read_text())["analyses"]}
    assert statuses == {"linear-probe": "ok", "samples": "ok"}


def test_standard_output_that_cannot_be_written_is_exit_code_5():
    full = "/dev/full"
    if not os.path.exists(full):
        pytest.skip("no /dev/full on this system")
    with open(full, "w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "gan_probe", "plugins"], stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert "No space left" in one_line(done.stderr)
