from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from gan_probe.report import Artifact, Figure, Measure, Report, RunReport, Table
from gan_probe.report.check import check_report

PIXELS = np.zeros((4, 4, 3), np.uint8)


def table(**more: Any) -> Report:
    return Report(tables=[Table(**{"name": "t", "rows": [{"a": 1}], **more})])


def figure(content: Any) -> Report:
    return Report(figures=[Figure("f", content)])


def broken_mathematics() -> MatplotlibFigure:
    made = MatplotlibFigure()
    made.subplots().set_title("$\\frac{$")
    return made


def test_a_good_report_passes_unchanged(sample_run: RunReport) -> None:
    for report in sample_run.analyses:
        assert check_report(report).tables == tuple(
            Table(t.name, tuple(t.rows), t.title, t.caption, t.formats) for t in report.tables
        )


def test_numpy_scalars_become_numbers_and_prose_one_line() -> None:
    cells = {"a": np.float32(0.5), "b": np.int64(2), "c": np.bool_(True), "d": np.str_("x"), "e": np.float64(0.1)}
    checked = check_report(
        Report(tables=[Table("t", [cells], caption=" two\n   lines ")], findings=["c\t d"], notes=["a\n b"])
    )
    row = checked.tables[0].rows[0]
    assert [type(v) for v in row.values()] == [float, int, bool, str, float]
    assert list(row.values()) == [0.5, 2, True, "x", 0.1]
    assert checked.tables[0].caption == "two lines"
    assert (checked.findings, checked.notes) == (("c d",), ("a b",))


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        (None, "not NoneType"),
        ({"tables": []}, "not dict"),
        (Report(tables=[{"a": 1}]), "not Table"),  # type: ignore[list-item]
        (Report(tables=Table("t", [])), "tables must be a list"),  # type: ignore[arg-type]
        (Report(notes="a note"), "notes must be a list"),
        (Report(findings="it holds"), "findings must be a list"),
        (Report(findings=[0.5]), "a finding must be text"),  # type: ignore[list-item]
        (Report(notes=[3]), "a note must be text"),  # type: ignore[list-item]
        (table(rows=[{"a": 1}, {"b": 1}]), "table 't': row 2 and row 1 differ in column 'a'"),
        (table(rows=[{"a": 1}, {"a": 1, "b": 2}]), "table 't': row 2 and row 1 differ in column 'b'"),
        (table(rows=[[1, 2]]), "table 't': row 1 is list"),
        (table(rows=[{1: 2}]), "table 't': row 1 has a column whose name is not text"),
        (table(rows=[{"a": object()}]), "table 't': column 'a' holds object"),
        (table(rows=[{"a": np.zeros(2)}]), "table 't': column 'a' holds ndarray"),
        (table(formats={"b": ".1%"}), "table 't': a format is given for 'b'"),
        (table(formats={"a": "%.2f"}), "table 't': format '%.2f' does not fit 1"),
        (table(name="../../x"), "made of a-z"),
        (table(name=""), "made of a-z"),
        (Report(tables=[Table("t", []), Table("t", [])]), "two tables are named 't'"),
        (Report(artifacts=[Artifact("a", b""), Artifact("a", b"")]), "two artifacts are named 'a'"),
        (Report(artifacts=[Artifact("a", "text")]), "artifact 'a': its content is str"),  # type: ignore[arg-type]
        (Report(artifacts=[Artifact("a", Path("no such file"))]), "artifact 'a': there is no file"),
        (figure("picture.png"), "figure 'f': its content is str"),
        (figure(PIXELS / 255), "figure 'f': its pixels are float64"),
        (figure(PIXELS[..., :2]), "figure 'f': its pixels are uint8 \\(4, 4, 2\\)"),
        (figure(PIXELS[:0]), "figure 'f' cannot be drawn: its size"),
        (figure(broken_mathematics()), "figure 'f' cannot be drawn"),
        (figure(MatplotlibFigure(figsize=(1000, 1))), "figure 'f' cannot be drawn: it measures"),
    ],
)
def test_a_fault_is_named_with_its_part(report: Any, fault: str) -> None:
    with pytest.raises((TypeError, ValueError), match=fault):
        check_report(report)


@pytest.mark.parametrize("values", [[], [[1.0]], [float("nan")], ["many"], None])
def test_a_measure_is_a_row_of_finite_numbers(values: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="measure 'accuracy'"):
        check_report(Report(measures=[Measure("accuracy", values)]))


@pytest.mark.parametrize("more", [{"values": np.array([0, 0.5])}, {"values": np.zeros(2), "estimate": 0.1}])
def test_a_share_has_values_of_0_and_1(more):
    with pytest.raises(ValueError, match="a share's values are 0 and 1"):
        check_report(Report(measures=[Measure("m", share=True, **more)]))


def test_a_measure_holds_float64_whatever_it_was_given() -> None:
    checked = check_report(Report(measures=[Measure("accuracy", np.array([True, False]), "Test  accuracy")]))
    assert checked.measures[0].values.dtype == np.float64
    assert checked.measures[0].title == "Test accuracy"


SVM = "@article{svm2005, title = {Finite Newton}}"


def test_a_report_gets_the_references_that_it_cites() -> None:
    other = "@article{other, title = {Another}}"
    checked = check_report(Report(methods="By\n[@svm2005]."), [other, SVM])
    assert checked.references == ("@article{svm2005,\n  title = {Finite Newton}\n}",)
    assert checked.methods == "By [@svm2005]."
    assert check_report(checked) == checked


@pytest.mark.parametrize(
    ("methods", "references", "fault"),
    [
        ("By [@nobody].", [SVM], "cite 'nobody', which is not among its references"),
        ("By [@two words].", [SVM], "begins no citation"),
        ("", [SVM, "@article{broken, title = {x}"], "reference 2: broken: a comma or the closing brace is missing"),
        ("", [SVM, SVM], "two references have the key 'svm2005'"),
        ("", [SVM, r"@misc{evil, title = {\input{x}}}"], r"reference 2: evil: title holds the command \\input"),
        ("", SVM, "the references must be a list"),
        ("", [3], "reference 1: it is int"),
    ],
)
def test_broken_references_are_faults_of_the_report(methods: str, references: Any, fault: str) -> None:
    with pytest.raises((TypeError, ValueError), match=fault):
        check_report(Report(methods=methods), references)
