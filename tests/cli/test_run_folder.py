"""The folder of `gan-probe run`: what is in it is not lost, whoever asks and whatever fails."""

import json
import os

import pytest

from .one_line import one_line
from .small_plugins import COUNTER, CRASH


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
def test_a_report_without_a_result_is_replaced_without_force(gan_probe_command, checkpoint, install, tmp_path):
    install("crash", CRASH)
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 4
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 4
    (tmp_path / "cwd" / "r" / "mine.txt").write_text("kept")
    assert gan_probe_command("run", "-p", "samples", checkpoint, "--count", 4, "--out", "r")[0] == 0
    assert (tmp_path / "cwd" / "r" / "mine.txt").read_text() == "kept"
    assert gan_probe_command("run", "-p", "crash", checkpoint, "--out", "r")[0] == 5


@pytest.mark.usefixtures("quick_processes")
def test_a_full_disk_is_one_line_and_keeps_what_had_landed(
    gan_probe_command, checkpoint, install, tmp_path, monkeypatch
):
    from gan_probe import disk

    install("counter", COUNTER)
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
