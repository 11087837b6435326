"""What a stranger's plugin does in its own process costs nobody else a result."""

import json
import os
import sys

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

HEAD = """
import os, sys, time
import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure
from gan_probe import Analysis, BadInputError, Figure, Report, Table, hookimpl

class Theirs(Analysis):
    "What the test is about."
    name = "theirs"
    needs = frozenset({"sample"})

    def run(self, gan, options, ctx):
"""
TAIL = """

@hookimpl
def register_analyses():
    return [Theirs]
"""


@pytest.fixture
def run(install, gan_probe_command, tmp_path):
    """Runs a stranger's analysis with that body between two of ours: exit code, report.json, stderr."""
    checkpoint = tmp_path / "tiny.pt"
    save_checkpoint(tiny_gan(), checkpoint)

    def with_body(body: str, *arguments: str):
        lines = "\n".join(f"        {line}" for line in body.splitlines())
        install("theirs", HEAD + lines + TAIL)
        words = ["run", "-p", "theirs", "-p", "samples", checkpoint, "--out", "r", "--json", *arguments]
        code, out, err = gan_probe_command(*words)
        return code, {a["name"]: a for a in json.loads(out)["analyses"]}, err

    return with_body


def test_a_strangers_report_comes_over_whole(run):
    body = """
figure = MatplotlibFigure(); figure.add_subplot().plot([1, 2])
samples = ctx.samples(gan, 3)
print("a stray word")
return Report(tables=[Table("t", [{"pid": os.getpid(), "x": float(samples.images.sum())}])],
              figures=[Figure("f", figure)], notes=["noted"])
"""
    code, analyses, _ = run(body)
    assert code == 0
    theirs = analyses["theirs"]
    assert theirs["status"] == "ok"
    assert theirs["tables"][0]["rows"][0]["pid"] != os.getpid()
    assert theirs["notes"] == ["noted"]
    apart = theirs["tables"][0]["rows"][0]["x"]
    code, analyses, _ = run(body, "--in-process", "--force")
    row = analyses["theirs"]["tables"][0]["rows"][0]
    assert row["pid"] == os.getpid()
    assert row["x"] == pytest.approx(apart, rel=1e-5)


@pytest.mark.usefixtures("quick_processes")
@pytest.mark.parametrize(
    ("body", "limits", "said"),
    [
        ("os._exit(3)", (), "ended by itself, with exit code 3"),
        ("os._exit(0)", (), "ended by itself, with exit code 0"),
        ("import ctypes; ctypes.string_at(0)", (), "SIGSEGV"),
        ("time.sleep(60)", ("--time-limit", "0.1"), "had not ended after 0.1 minutes"),
        ("kept = [np.ones(10**8) for _ in range(40)]; time.sleep(9)", ("--memory-limit", "2"), "more than 2.0 GB"),
        ("raise BadInputError('mend this')", (), "mend this"),
        ("raise ValueError('their bug')", (), "ValueError: their bug"),
        ("sys.exit(0)", (), "SystemExit"),
        ("return Report(notes=['x'], tables=[lambda: 1])", (), "theirs failed"),
        ("return 3", (), "TypeError"),
    ],
)
def test_whatever_it_does_only_its_own_result_is_lost(run, body, limits, said):
    code, analyses, err = run(body, *limits)
    assert code == 4
    assert analyses["theirs"]["status"] == "failed"
    assert said in analyses["theirs"]["error"] or said in err
    assert analyses["samples"]["status"] == "ok"


def test_all_of_a_run_can_be_kept_apart(gan_probe_command, tmp_path):
    checkpoint = tmp_path / "tiny.pt"
    save_checkpoint(tiny_gan(), checkpoint)
    tables = []
    for mode in ("--isolate", "--in-process"):
        code, out, err = gan_probe_command("run", "-p", "samples", checkpoint, "--out", mode.strip("-"), "--json", mode)
        assert code == 0, err
        tables.append(json.loads(out)["analyses"][0]["tables"])
    assert tables[0] == tables[1]


@pytest.mark.usefixtures("quick_processes")
@pytest.mark.skipif(sys.platform != "linux", reason="signals and memory are watched on Linux")
def test_a_checkpoint_that_changes_meanwhile_is_not_mixed_up(run, tmp_path, monkeypatch):
    from gan_probe import own_process

    before = own_process.Job

    def replaced(*arguments):
        save_checkpoint(tiny_gan(seed=5), tmp_path / "tiny.pt")
        return before(*arguments)

    monkeypatch.setattr("gan_probe.runner.Job", replaced)
    code, analyses, _ = run("return Report()")
    assert code == 4
    assert "has changed" in analyses["theirs"]["error"]
