from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_probe.errors import OutputError
from gan_probe.report import Artifact, Report, RunReport, Table
from gan_probe.report.folder import MANIFEST, ReportFolder
from gan_probe.report.names import file_names, slug
from gan_probe.report.reading import SUMS

WHOLE = {"index.html", "report.json", "methods.tex", "references.bib"}  # of every report
WRITER = """
import pathlib, sys
from gan_probe.report import Report, RunReport, Table
from gan_probe.report.folder import ReportFolder
run = RunReport({}, {})
with ReportFolder(pathlib.Path(sys.argv[1]), force=True) as folder:
    print("writing", flush=True)
    for i in range(10**6):
        report = Report(name=f"analysis-{i % 5}", tables=[Table("t", [{"a": "x" * 1000}] * 100)])
        run.analyses[i % 5 : i % 5 + 1] = [report]
        folder.add(run, report)
"""


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST, SUMS}


def write(folder: Path, name: str = "probe", force: bool = False) -> None:
    run = RunReport({}, {})
    with ReportFolder(folder, force) as report_folder:
        report_folder.add(run, Report(name=name, tables=[Table("t", [{"a": 1}])]))


def test_every_part_lands_under_its_name(sample_run: RunReport, tmp_path: Path) -> None:
    run = RunReport(sample_run.checkpoint, sample_run.run)
    with ReportFolder(tmp_path / "new" / "report") as folder:
        for report in sample_run.analyses:
            folder.add(run, report)
        folder.finish(run)
    out = tmp_path / "new" / "report"
    assert files(out) == WHOLE | {
        "tables/linear-probe-accuracy.csv",
        "tables/linear-probe-accuracy.tex",
        "figures/linear-probe-classes.png",
        "figures/linear-probe-classes.pdf",
        "figures/linear-probe-classes.tex",
        "figures/linear-probe-confusion.png",
        "figures/linear-probe-confusion.pdf",
        "figures/linear-probe-confusion.tex",
        "figures/linear-probe-layers.png",
        "figures/linear-probe-layers.pdf",
        "figures/linear-probe-layers.tex",
        "figures/samples-grid.png",
        "figures/samples-grid.pdf",
        "figures/samples-grid.tex",
        "artifacts/samples-latents.npz",
    }
    data = json.loads((out / "report.json").read_text())
    assert data == run.to_dict()
    for analysis in data["analyses"]:
        assert {part["file"] for part in analysis["figures"] + analysis["artifacts"]} <= files(out)
        assert {part["pdf"] for part in analysis["figures"]} <= files(out)
    with (out / "tables/linear-probe-accuracy.csv").open(newline="", encoding="utf-8") as file:
        assert float(next(csv.DictReader(file))["accuracy"]) == 0.6142


def test_results_land_as_each_analysis_ends(tmp_path: Path) -> None:
    run = RunReport({}, {})
    with ReportFolder(tmp_path) as folder:
        for name in ("first", "second"):
            folder.add(run, Report(name=name, title=name))
            assert name in (tmp_path / "index.html").read_text()
            assert json.loads((tmp_path / "report.json").read_text())["analyses"][-1]["name"] == name
    assert [report.name for report in run.analyses] == ["first", "second"]


def test_an_artifact_may_be_a_file_to_copy(tmp_path: Path) -> None:
    (tmp_path / "made.webp").write_bytes(b"frames")
    with ReportFolder(tmp_path / "out") as folder:
        folder.add(RunReport({}, {}), Report(name="walk", artifacts=[Artifact("walk.webp", tmp_path / "made.webp")]))
    assert (tmp_path / "out/artifacts/walk-walk.webp").read_bytes() == b"frames"


def test_no_name_leads_out_of_the_folder(run_of: Callable[[str], RunReport], hostile: str, tmp_path: Path) -> None:
    with ReportFolder(tmp_path / "out") as folder:
        for report in run_of(hostile).analyses:
            folder.add(RunReport({}, {}), report)
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
    for name in files(tmp_path / "out"):
        folder_name, _, file = name.rpartition("/")
        assert folder_name in ("", "tables", "figures", "artifacts", "measures")
        assert file.isascii()
        assert file[0].isalnum()
        assert len(file) < 255


@pytest.mark.parametrize(
    ("name", "made"),
    [("../../x", "x"), ("Per Class", "per-class"), ("é.WEBP", "e.webp"), ("a\x00/b", "a-b"), ("..", ""), ("中", "")],
)
def test_names_are_made_safe(name: str, made: str) -> None:
    assert slug(name) == made


def test_names_that_would_meet_are_numbered() -> None:
    reports = [
        Report(name="a", artifacts=[Artifact("b-c.gif", b""), Artifact("B c.gif", b"")]),
        Report(name="a-b", artifacts=[Artifact("c.gif", b"")]),
        Report(name="中", artifacts=[Artifact("文", b"")]),
    ]
    names = [name for files_ in file_names(reports) for name in files_.artifacts]
    assert names == [f"artifacts/{n}" for n in ("a-b-c.gif", "a-b-c-2.gif", "a-b-c-3.gif", "unnamed")]
    assert file_names(reports[:2]) == file_names(reports)[:2]


def test_a_folder_in_use_is_refused_also_with_force(tmp_path: Path) -> None:
    with ReportFolder(tmp_path):
        for force in (False, True):
            with pytest.raises(OutputError, match="in use by another run"), ReportFolder(tmp_path, force):
                pass


def test_a_report_is_replaced_only_with_force(tmp_path: Path) -> None:
    write(tmp_path, "old")
    with pytest.raises(OutputError, match="holds a report already: pass --force"):
        write(tmp_path, "new")
    assert "tables/old-t.csv" in files(tmp_path)
    write(tmp_path, "new", force=True)
    assert files(tmp_path) == WHOLE | {"tables/new-t.csv", "tables/new-t.tex"}


def test_the_old_report_stays_until_the_first_result(tmp_path: Path) -> None:
    write(tmp_path, "old")
    with ReportFolder(tmp_path, force=True):
        pass
    assert "tables/old-t.csv" in files(tmp_path)
    write(tmp_path, "new", force=True)
    assert "tables/old-t.csv" not in files(tmp_path)


def test_files_that_a_report_did_not_write_are_never_touched(tmp_path: Path) -> None:
    write(tmp_path, "old")
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "tables" / "mine.csv").write_text("mine")
    write(tmp_path, "new", force=True)
    assert (tmp_path / "thesis.tex").exists()
    assert (tmp_path / "tables" / "mine.csv").exists()
    assert not (tmp_path / "tables" / "old-t.csv").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, force: bool) -> None:
    (tmp_path / "index.html").write_text("my home page")
    with pytest.raises(OutputError, match="not empty and not a report"):
        write(tmp_path, force=force)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"index.html": "my home page"}


def test_a_forged_manifest_deletes_nothing_outside(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("mine")
    (out / "figures").symlink_to(tmp_path / "elsewhere")
    with (out / MANIFEST).open("a") as manifest:
        manifest.write("../precious\ntables/../../precious\nfigures/x\n" + str(tmp_path / "precious") + "\n")
    write(out, force=True)
    assert (tmp_path / "precious").exists()
    assert (tmp_path / "elsewhere" / "x").exists()


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write(tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match=r"cannot write into .*: Read-only file system"), ReportFolder(tmp_path):
        pass


def test_the_package_itself_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'matplotlib', 'sklearn', 'PIL', 'numpy', 'jinja2'}"
    check = f"import sys, gan_probe.report; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_full_disk_keeps_the_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunReport({}, {})
    real = os.fsync
    with ReportFolder(tmp_path) as folder:
        folder.add(run, Report(name="first", tables=[Table("t", [{"a": 1}])]))
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            folder.add(run, Report(name="second", tables=[Table("t", [{"a": 1}])]))
        assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before
        monkeypatch.setattr(os, "fsync", real)
        folder.finish(run)
    write(tmp_path, force=True)


def test_a_run_killed_at_any_time_leaves_a_readable_report(tmp_path: Path) -> None:
    for pause in (0.05, 0.21, 0.4):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not (tmp_path / "index.html").exists() and writer.poll() is None:
                time.sleep(0.01)
            time.sleep(pause)
            writer.kill()
        assert (tmp_path / "index.html").read_text().endswith("</html>")
        assert json.loads((tmp_path / "report.json").read_text())["analyses"]
    write(tmp_path, force=True)
    assert files(tmp_path) == WHOLE | {"tables/probe-t.csv", "tables/probe-t.tex"}


def test_what_somebody_deletes_or_changes_meanwhile_is_written_again(sample_run: RunReport, tmp_path: Path) -> None:
    first, *rest = sample_run.analyses
    sample_run.analyses.clear()

    def content() -> dict[str, bytes]:
        files = [path for path in (tmp_path / "r").rglob("*") if path.is_file()]
        return {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files}

    with ReportFolder(tmp_path / "r") as folder:
        folder.add(sample_run, first)
        for report in rest:
            folder.add(sample_run, report)
        whole = content()
        shutil.rmtree(tmp_path / "r/tables")
        next((tmp_path / "r/figures").iterdir()).write_bytes(b"x")
        (tmp_path / "r" / MANIFEST).unlink()
        with pytest.warns(UserWarning, match="were deleted or changed: written again"):
            folder.finish(sample_run)
        assert {name: text for name, text in content().items() if MANIFEST not in name} == {
            name: text for name, text in whole.items() if MANIFEST not in name
        }
        shutil.rmtree(tmp_path / "r")
        with pytest.warns(UserWarning, match="were deleted or changed"):
            folder.finish(sample_run)
        assert content().keys() == whole.keys()
        with pytest.raises(OutputError, match="in use"), ReportFolder(tmp_path / "r", force=True):
            pass


def test_labels_of_several_reports_in_one_paper_do_not_meet(sample_run: RunReport, tmp_path: Path) -> None:
    runs = [
        RunReport({"name": "a_1"}, {"command": "gan-probe run a_1.pt"}),
        RunReport({"name": "b"}, {"command": "gan-probe run b.pt"}),
        RunReport({}, {"command": "gan-probe compare a_1.pt b.pt"}, title="a_1 and b"),
        RunReport({"name": "b"}, {"command": "gan-probe paper b.pt"}, title="The paper, remade"),
        RunReport({}, {}),
    ]
    labels = []
    for i, run in enumerate(runs):
        with ReportFolder(tmp_path / str(i)) as folder:
            folder.add(run, dataclasses.replace(sample_run.analyses[0], figures=[]))
        tex = (tmp_path / str(i) / "tables/linear-probe-accuracy.tex").read_text("ascii")
        labels += re.findall(r"\\label\{tab:(.*)\}", tex)
    assert labels == [
        "a-1-linear-probe-accuracy",
        "b-linear-probe-accuracy",
        "a-1-and-b-compare-linear-probe-accuracy",
        "b-paper-linear-probe-accuracy",
        "linear-probe-accuracy",
    ]
