"""Names of the files in a report's folder: made here from what analyses call things, never taken raw."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report.model import Report, RunReport

LONGEST = 100  # characters; file systems allow 255, with prefix, suffix and the temporary name around it

LONGEST_LABEL = 40  # characters of a checkpoint's name in a LaTeX label


@dataclass(frozen=True)
class Files:
    """Where one analysis' parts lie in the folder: tables and figures without an ending, the others with theirs."""

    tables: tuple[str, ...]
    figures: tuple[str, ...]
    artifacts: tuple[str, ...]
    measures: tuple[str, ...]


def slug(name: str) -> str:
    """The name in `a-z 0-9 . _ -`, starting and ending with a letter or digit; runs of others become a dash."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain)[-LONGEST:].strip("-._")


def label_prefix(run_report: RunReport) -> str:
    """What goes before the labels of a run's tables: its checkpoint, or what it compares, and the command but `run`."""
    words = str(run_report.run.get("command", "")).split()
    command = words[1] if words[:1] == ["gan-probe"] and len(words) > 1 and words[1] != "run" else ""
    name = run_report.checkpoint.get("name") or run_report.title
    parts = (slug(str(name or ""))[-LONGEST_LABEL:].strip("-._"), slug(command)[:LONGEST_LABEL])
    return "".join(f"{part}-" for part in parts if part)


def file_names(analyses: Sequence[Report]) -> list[Files]:
    """The files of each analysis; names that would meet get a number, so adding an analysis changes no earlier name."""
    taken: set[str] = set()

    def unique(folder: str, analysis: str, name: str, ending: str = "") -> str:
        stem, dot, rest = slug(name).partition(".")
        stem = "-".join(part for part in (slug(analysis), stem) if part) or "unnamed"
        tail = dot + rest + ending
        path, n = f"{folder}/{stem}{tail}", 2
        while path in taken:
            path, n = f"{folder}/{stem}-{n}{tail}", n + 1
        taken.add(path)
        return path

    return [
        Files(
            tuple(unique("tables", report.name, table.name) for table in report.tables),
            tuple(unique("figures", report.name, figure.name) for figure in report.figures),
            tuple(unique("artifacts", report.name, artifact.name) for artifact in report.artifacts),
            tuple(unique("measures", report.name, measure.name, ".csv") for measure in report.measures),
        )
        for report in analyses
    ]
