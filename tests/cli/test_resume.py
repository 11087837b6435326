"""Going on with a run: what is done is not done again, whatever stopped it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

# notes each of its runs in the file that LOG names, and stops the process in the first one if its name says so
COUNTED = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path
from gan_probe import Analysis, Figure, Options, Report, Table, hookimpl, option
@dataclass(frozen=True)
class O(Options):
    {name}_n: int = option(1, "a number")
class A(Analysis):
    "Counts."
    name = "{name}"
    needs = frozenset({{"sample"}})
    Options = O
    def run(self, gan, options, ctx):
        log = Path(os.environ["LOG"])
        before = log.read_text() if log.exists() else ""
        log.write_text(before + "{name} ")
        if "{name}" == "stops" and "stops" not in before:
            os.kill(os.getpid(), signal.{signal})
            time.sleep(10)
        rows = [dict(n=options.{name}_n, sum=float(ctx.samples(gan, 4).images.sum()))]
        return Report(tables=[Table("t", rows)], figures=[Figure("f", ctx.samples(gan, 1).pixels[0, ..., 0])])
@hookimpl
def register_analyses():
    return [A]
"""


@pytest.fixture
def ran(tmp_path, monkeypatch, install):
    """Installs three analyses, the second of which stops the first run; `ran()` says which have run since."""
    log = tmp_path / "log"
    monkeypatch.setenv("LOG", str(log))

    def setup(number="SIGTERM", names=("first", "stops", "last")):
        for name in names:
            install(name, COUNTED.format(name=name, signal=number))

    def since():
        words = log.read_text().split() if log.exists() else []
        log.write_text("stops " if "stops" in words else "")  # it has stopped once
        return words

    since.install = setup
    return since


LINE = ["run", "-p", "first", "-p", "stops", "-p", "last", "--in-process", "--out", "r"]


def parts(folder):
    return {a["name"]: a for a in json.loads((folder / "report.json").read_text())["analyses"]}


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_stopped_run_is_gone_on_with(gan_probe_command, checkpoint, ran, tmp_path, number):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ran.install(number)
    folder = tmp_path / "cwd" / "r"
    code, _, err = gan_probe_command(*LINE, checkpoint)
    assert code == 75
    assert "the same line with --resume goes on" in err
    assert ran() == ["first", "stops"]
    first = parts(folder)["first"]
    code, _, err = gan_probe_command(*LINE, checkpoint, "--resume")
    assert (code, ran()[1:]) == (0, ["stops", "last"])
    assert "note: first is taken over from the report that was there" in err
    now = parts(folder)
    assert [a["status"] for a in now.values()] == ["ok", "ok", "ok"]
    assert now["first"] == first
    # a run that was never stopped gives the same, but for the clock
    code, _, _ = gan_probe_command(*LINE[:-1], "whole", checkpoint)
    assert code == 0
    whole = parts(tmp_path / "cwd" / "whole")
    same = [[{k: v for k, v in a.items() if k not in ("seconds", "sha256")} for a in p.values()] for p in (now, whole)]
    assert same[0] == same[1]


def test_a_changed_option_or_seed_runs_that_part_again(gan_probe_command, checkpoint, ran):
    ran.install(names=("first", "last"))
    line = ["run", "-p", "first", "-p", "last", "--in-process", "--out", "r", checkpoint]
    assert gan_probe_command(*line)[0] == 0
    ran()
    assert gan_probe_command(*line, "--resume", "--batch-size", 3)[0] == 0
    assert ran() == []
    assert gan_probe_command(*line, "--resume", "--last-n", 2)[0] == 0
    assert ran() == ["last"]


def test_another_runs_report_is_not_lost_by_going_on(gan_probe_command, checkpoint, ran, tmp_path):
    ran.install(names=("first",))
    line = ["run", "-p", "first", "--in-process", "--out", "r", checkpoint]
    assert gan_probe_command(*line)[0] == 0
    before = (tmp_path / "cwd/r/report.json").read_bytes()
    code, _, err = gan_probe_command(*line, "--resume", "--seed", 1)
    assert code == 5
    assert "another run's report: pass --force" in err
    assert (tmp_path / "cwd/r/report.json").read_bytes() == before
    assert gan_probe_command(*line, "--resume", "--seed", 1, "--force")[0] == 0


def test_a_result_that_is_not_asked_for_again_is_not_lost(gan_probe_command, checkpoint, ran, tmp_path):
    ran.install(names=("first", "last"))
    line = ["run", "-p", "first", "--in-process", "--out", "r", checkpoint]
    assert gan_probe_command(*line, "-p", "last")[0] == 0
    code, _, err = gan_probe_command(*line, "--resume")
    assert code == 5
    assert "holds last too, which would be lost" in err
    assert set(parts(tmp_path / "cwd/r")) == {"first", "last"}


def test_what_is_damaged_is_said_and_run_again(gan_probe_command, checkpoint, ran, tmp_path):
    ran.install(names=("first", "last"))
    line = ["run", "-p", "first", "-p", "last", "--in-process", "--out", "r", checkpoint]
    assert gan_probe_command(*line)[0] == 0
    ran()
    picture = tmp_path / "cwd/r/figures/last-f.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-20])
    code, _, err = gan_probe_command(*line, "--resume")
    assert (code, ran()) == (0, ["last"])
    assert len(re.findall("note: run again, as last in r is damaged", err)) == 1
    assert picture.read_bytes() == whole
    (tmp_path / "cwd/r/report.json").write_text('{"half":')
    code, _, err = gan_probe_command(*line, "--resume")
    assert (code, ran()) == (0, ["first", "last"])
    assert "note: nothing to go on with: " in err


def test_going_on_with_nothing_is_a_run(gan_probe_command, checkpoint, ran):
    ran.install(names=("first",))
    assert gan_probe_command("run", "-p", "first", "--in-process", "--out", "new", checkpoint, "--resume")[0] == 0
    assert ran() == ["first"]


KILLED = """
import pathlib, sys, time
import numpy as np
from gan_probe.report import Figure, Report, RunReport, Table
from gan_probe.report.folder import ReportFolder
def part(i):
    print("ran", i, flush=True)
    pixels = np.full((8, 8), i, np.uint8)
    return Report(tables=[Table("t", [{"a": i}])], figures=[Figure("f", pixels)], name=f"part-{i}", key=f"key-{i}")
with ReportFolder(pathlib.Path(sys.argv[1]), resume=True) as folder:
    old = folder.earlier.report.analyses if folder.earlier else []
    assert not (folder.earlier and folder.earlier.damaged), folder.earlier.damaged
    run = RunReport({}, {}, list(old))
    for report in old:
        folder.add(run, report)
    print("kept", len(old), flush=True)
    for i in range(len(old), 60):
        folder.add(run, part(i))
        print("landed", i, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_had_landed(tmp_path):
    landed = -1
    for pause in (0.003, 0.02, 0.045):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
            kept = int(run.stdout.readline().removeprefix("kept "))
            assert kept in (landed + 1, landed + 2)  # the last one may have landed without a word
            while not run.stdout.readline().startswith(f"landed {kept + 1}"):
                pass
            time.sleep(pause)
            run.kill()
            said = [int(n) for n in re.findall(r"landed (\d+)\n", run.stdout.read())]
        landed = max([kept + 1, *said])
        assert (tmp_path / "index.html").read_text().endswith("</html>")
    assert landed >= 5
