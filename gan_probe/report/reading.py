"""A report read back from its folder: only what is whole, and as the run that wrote it left it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.errors import BadInputError, one_line
from gan_probe.report.check import check_report
from gan_probe.report.drawn import Drawn
from gan_probe.report.json import digest
from gan_probe.report.model import Artifact, Figure, Measure, Report, RunReport, Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUMS = "SHA256SUMS"  # as sha256sum writes and checks it


@dataclass(frozen=True)
class Reading:
    """A report's whole parts, and for each that is damaged a line that says so."""

    report: RunReport
    damaged: tuple[str, ...] = ()


def read_report(folder: Path) -> Reading:
    """The report that a run wrote into `folder`, its figures as already drawn and its artifacts as paths.

    Every file is compared with its digest in `SHA256SUMS`, every analysis with its own in `report.json`. BadInputError
    for a folder that holds no report, or one that cannot be read at all.
    """
    try:
        content = json.loads((folder / "report.json").read_bytes())
        report = RunReport(dict(content["checkpoint"]), dict(content["run"]), title=str(content.get("title", "")))
        analyses = list(content["analyses"])
        names = [str(entry["name"]) for entry in analyses]
    except OSError as error:
        raise BadInputError(f"{folder} holds no report: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BadInputError(one_line(f"{folder / 'report.json'} cannot be read: {error}")) from None
    sums = _sums(folder)
    damaged = []
    for name, entry in zip(names, analyses, strict=True):
        try:
            report.analyses.append(_analysis(entry, folder, sums))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            damaged.append(one_line(f"{name} in {folder} is damaged: {error}"))
    return Reading(report, tuple(damaged))


def _analysis(entry: Mapping[str, Any], folder: Path, sums: Mapping[str, str]) -> Report:
    if entry["sha256"] != digest(entry):
        raise ValueError("it is not as it was written")
    report = Report(
        tables=[
            Table(t["name"], t["rows"], t["title"], t["caption"], dict(t["formats"]), dict(t["links"]))
            for t in entry["tables"]
        ],
        figures=[_figure(f, folder, sums) for f in entry["figures"]],
        artifacts=[Artifact(a["name"], _whole(a["file"], folder, sums), a["caption"]) for a in entry["artifacts"]],
        measures=[_measure(m, folder, sums) for m in entry["measures"]],
        methods=entry["methods"],
        references=entry["references"],
        findings=entry.get("findings", ()),  # reports of before them have none
        notes=entry["notes"],
        name=str(entry["name"]),
        title=entry["title"],
        status=str(entry["status"]),
        error=str(entry["error"]),
        options=dict(entry["options"]),
        plugin=str(entry["plugin"]),
        seconds=float(entry["seconds"]),
        key=str(entry["key"]),
        analysis=str(entry.get("analysis", "")),  # reports of before it have none
    )
    return check_report(report)


def _figure(entry: Mapping[str, Any], folder: Path, sums: Mapping[str, str]) -> Figure:
    png, pdf = (_whole(entry[kind], folder, sums).read_bytes() for kind in ("file", "pdf"))
    content = Drawn(png, pdf, chart=entry["kind"] == "chart")
    return Figure(entry["name"], content, entry["title"], entry["caption"], entry["alt"])


def _measure(entry: Mapping[str, Any], folder: Path, sums: Mapping[str, str]) -> Measure:
    lines = _whole(entry["file"], folder, sums).read_text("utf-8").splitlines()[1:]
    return Measure(
        entry["name"],
        np.array([float(line.partition(",")[2]) for line in lines]),
        entry["title"],
        entry["unit"],
        entry["units"],
        entry["value"] if entry["replicates"] else None,
        entry["better"],
        entry["format"],
        entry.get("share"),  # reports of before it have none
    )


def _whole(name: str, folder: Path, sums: Mapping[str, str]) -> Path:
    """The path of a file that is as it was written; the names in the sums are those that a run may write."""
    path = folder / name
    if path.is_symlink() or hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise ValueError(f"{name} is not as it was written")
    return path


def _sums(folder: Path) -> dict[str, str]:
    from gan_probe.report.folder import OURS

    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return {name: known for known, _, name in (line.partition("  ") for line in lines) if OURS.fullmatch(name)}
