"""A report read back: as it was written, or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_probe.report import Drawn, Report, RunReport, Table
from gan_probe.report.folder import ReportFolder
from gan_probe.report.reading import SUMS, read_report


def written(run: RunReport, folder: Path, **how: bool) -> Path:
    with ReportFolder(folder, **how) as out:
        for report in list(run.analyses):
            out.add(run, report)
        out.finish(run)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_read_back_writes_the_same_report(sample_run: RunReport, tmp_path: Path) -> None:
    first = written(sample_run, tmp_path / "first")
    reading = read_report(first)
    assert reading.damaged == ()
    assert [r.name for r in reading.report.analyses] == [r.name for r in sample_run.analyses]
    assert all(isinstance(f.content, Drawn) for report in reading.report.analyses for f in report.figures)
    second = files(written(reading.report, tmp_path / "second"))
    kept = files(first)
    assert set(second) == set(kept)
    assert {name for name in kept if kept[name] != second[name]} == set()


def test_the_digests_are_those_that_sha256sum_checks(sample_run: RunReport, tmp_path: Path) -> None:
    import hashlib

    folder = written(sample_run, tmp_path)
    lines = [line.split("  ", 1) for line in (folder / SUMS).read_text().splitlines()]
    assert {name for _, name in lines} == set(files(folder)) - {SUMS, "index.html", "report.json", ".gan-probe-report"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == known for known, name in lines)


@pytest.mark.parametrize("file", ["figures/linear-probe-confusion.png", "artifacts/samples-latents.npz"])
@pytest.mark.parametrize("harm", ["torn", "gone", "changed", "a link"])
def test_a_part_with_a_damaged_file_is_left_out_and_named(
    sample_run: RunReport, tmp_path: Path, file: str, harm: str
) -> None:
    folder = written(sample_run, tmp_path / "r")
    path, content = folder / file, (folder / file).read_bytes()
    path.unlink()
    if harm == "a link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif harm != "gone":
        path.write_bytes(content[: len(content) // 2] if harm == "torn" else content[:-1] + b"?")
    owner = file.split("/")[1].rsplit("-", 1)[0]
    reading = read_report(folder)
    assert {r.name for r in reading.report.analyses} == {r.name for r in sample_run.analyses} - {owner}
    (line,) = reading.damaged
    assert line.startswith(f"{owner} in ")
    assert len(line) <= 200


def test_a_number_changed_by_hand_is_found(sample_run: RunReport, tmp_path: Path) -> None:
    folder = written(sample_run, tmp_path)
    content = json.loads((folder / "report.json").read_text())
    content["analyses"][0]["tables"][0]["rows"][0]["accuracy"] = 0.99
    (folder / "report.json").write_text(json.dumps(content))
    reading = read_report(folder)
    assert "linear-probe" not in [r.name for r in reading.report.analyses]
    assert "not as it was written" in reading.damaged[0]


def test_what_is_no_report_is_refused_in_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "holds no report" in refused(read_report, tmp_path)
    for text in ("{", "[]", '{"analyses": 3}', '{"checkpoint": {}, "run": {}, "analyses": [3]}', "\udc80"):
        (tmp_path / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert "cannot be read" in refused(read_report, tmp_path)


def test_going_on_removes_what_is_not_taken_over_only_when_the_new_report_stands(
    sample_run: RunReport, tmp_path: Path
) -> None:
    folder = written(sample_run, tmp_path)
    with ReportFolder(folder, resume=True) as out:
        assert out.earlier is not None
        kept = out.earlier.report["samples"]
        new = RunReport({}, {}, [kept])
        out.add(new, kept)
        assert {r.name for r in read_report(folder).report.analyses} == {"samples"}
        out.add(new, Report(name="more", tables=[Table("t", [{"a": 1}])]))
    assert read_report(folder).damaged == ()
    left = {n for n in files(folder) if "/" in n}
    expected = {f"figures/samples-grid.{kind}" for kind in ("png", "pdf", "tex")} | {"artifacts/samples-latents.npz"}
    expected |= {"tables/more-t.csv", "tables/more-t.tex"}
    assert left == expected


def test_a_part_that_moves_in_between_does_not_take_anothers_file(tmp_path: Path) -> None:
    def part(name: str, table: str, value: int) -> Report:
        return Report(name=name, tables=[Table(table, [{"a": value}])])

    one, two = part("a", "b-c", 1), part("a-b", "c", 2)  # both are tables/a-b-c
    with ReportFolder(tmp_path) as out:
        run = RunReport({}, {}, [two])
        out.add(run, two)
        run.analyses = [one, two]
        out.add(run, one)
    assert (tmp_path / "tables/a-b-c.csv").read_text().split() == ["a", "1"]
    assert (tmp_path / "tables/a-b-c-2.csv").read_text().split() == ["a", "2"]


def test_the_order_of_rows_and_formats_survives(tmp_path: Path) -> None:
    table = Table("t", [{"b": 1.5, "a": None, "c": "x"}], "Title", "Caption.", {"b": ".1%"}, {"x": "probe"})
    run = RunReport({"name": "g"}, {"images": []}, [Report(tables=[table], name="probe", methods="As one.", key="k")])
    (back,) = read_report(written(run, tmp_path)).report.analyses
    assert back.table("t") == dataclasses.replace(table, rows=tuple(table.rows))
    assert back.table("t").columns == ("b", "a", "c")
    assert (back.methods, back.key) == ("As one.", "k")
