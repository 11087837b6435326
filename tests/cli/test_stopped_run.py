"""A run that is stopped, or that nobody reads to its end, keeps what it did."""

import json
import os
import signal
import subprocess
import sys

import pytest

from .one_line import one_line
from .small_plugins import COUNTER

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
    install("counter", COUNTER)
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
