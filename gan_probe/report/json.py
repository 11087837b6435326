"""`report.json`: strict JSON that every parser reads, with full values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from gan_probe.report.methods import methods
from gan_probe.report.names import file_names

if TYPE_CHECKING:
    from gan_probe.report.model import Report, RunReport
    from gan_probe.report.names import Files


def to_dict(run_report: RunReport) -> dict[str, Any]:
    """The run as plain data: numpy scalars are numbers, NaN and infinities None, lone surrogates escapes."""
    files = file_names(run_report.analyses)
    return {
        "title": plain(run_report.title),
        "checkpoint": plain(run_report.checkpoint),
        "run": plain(run_report.run),
        "analyses": [_analysis(report, names) for report, names in zip(run_report.analyses, files, strict=True)],
        "methods": [{"title": part.title, "text": part.text} for part in methods(run_report).paragraphs],
    }


def dumps(run_report: RunReport) -> str:
    """The run as JSON text in ASCII, so that no terminal acts on what is in it."""
    return json.dumps(to_dict(run_report), allow_nan=False, indent=2) + "\n"


def _analysis(report: Report, files: Files) -> dict[str, Any]:
    analysis = {
        "name": report.name,
        "title": report.title,
        "analysis": report.analysis,
        "status": report.status,
        "error": report.error,
        "plugin": report.plugin,
        "key": report.key,
        "seconds": report.seconds,
        "options": report.options,
        "findings": report.findings,
        "tables": [
            {
                "name": t.name,
                "title": t.title,
                "caption": t.caption,
                "columns": t.columns,
                "rows": t.rows,
                "formats": t.formats,
                "links": t.links,
            }
            for t in report.tables
        ],
        "figures": [
            {"name": f.name, "title": f.title, "caption": f.caption, "alt": f.alt}
            | {"file": f"{file}.png", "pdf": f"{file}.pdf", "kind": "chart" if f.is_chart else "pixels"}
            for f, file in zip(report.figures, files.figures, strict=True)
        ],
        "artifacts": [
            {"name": a.name, "caption": a.caption, "file": file}
            for a, file in zip(report.artifacts, files.artifacts, strict=True)
        ],
        "measures": [
            {"name": m.name, "title": m.title, "value": m.value, "n": len(m.values), "unit": m.unit, "units": m.units}
            | {"better": m.better, "format": m.format, "share": m.share}
            | {"replicates": m.estimate is not None, "file": file}
            for m, file in zip(report.measures, files.measures, strict=True)
        ],
        "notes": report.notes,
        "methods": report.methods,
        "references": report.references,
    }
    converted = plain(analysis)
    assert isinstance(converted, dict)  # noqa: S101  # for the type checker
    return converted | {"sha256": digest(converted)}


def digest(analysis: Mapping[str, Any]) -> str:
    """A SHA-256 of an analysis as JSON holds it, its own `sha256` aside: what was changed by hand is found by it."""
    told = {key: value for key, value in analysis.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def plain(value: Any) -> Any:
    """The value in JSON's types; what JSON has no type for (a path, a device) becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=str)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays, torch's tensors
        return plain(value.tolist())
    return str(value).encode("utf-8", "backslashreplace").decode()
