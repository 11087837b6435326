"""Writes `notes.txt` beside every report: what a reader must know, in plain text."""

from gan_probe import hookimpl


@hookimpl
def write_report(report, folder):
    """The notes of all analyses, one a line."""
    lines = [f"{analysis.name}: {note}\n" for analysis in report.analyses for note in analysis.notes]
    (folder / "notes.txt").write_text("".join(lines), encoding="utf-8")
