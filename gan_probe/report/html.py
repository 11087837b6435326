"""The report as one self-contained HTML page, and as a fragment for notebooks; no script, no link, no remote asset."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.report.methods import methods
from gan_probe.report.names import Files, file_names
from gan_probe.report.text import cell_text, heading, numeric_columns, shorten, told, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

    from jinja2 import Environment

    from gan_probe.report.model import Figure, Measure, Report, RunReport, Table

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_ITEMS = 20  # of a long list; report.json holds all
SHORT_TABLE = 15  # rows
LONGEST_LEAD = 500  # characters of the finding beside the contents
SHOWN_PARTS = ("findings", "tables", "figures", "notes", "artifacts")
PERCENT = re.compile(r"(?<=\d) %")
NONE = "–"  # noqa: RUF001  # an en dash, as in tables
CSS_DPI = 125  # charts are drawn at 250 dots an inch and shown at half their size: sharp on dense screens


@functools.cache
def _environment() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: value if hasattr(value, "__html__") else visible(value),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(run_report: RunReport, pictures: Mapping[str, bytes] | None = None) -> str:
    """The whole run as one page; `pictures` holds figures already drawn as PNG, by their file's name."""
    import markupsafe

    style = (
        _environment().get_template("analysis.css.j2").render() + _environment().get_template("page.css.j2").render()
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    numbers = {"table": 0, "figure": 0}
    files = file_names(run_report.analyses)
    names = [report.name for report in run_report.analyses]
    views = [
        _analysis(report, written, numbers, pictures or {}, names) | {"anchor": f"analysis-{place}"}
        for place, (report, written) in enumerate(zip(run_report.analyses, files, strict=True), 1)
    ]
    bare = [view for view in views if not any(view[part] for part in SHOWN_PARTS)]
    not_run = [view for view in bare if view["status"] == "refused"]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=markupsafe.Markup(style),  # noqa: S704  # from our own template, without data
            style_hash=digest,
            beside=True,
            title=shorten(run_report.title or run_report.checkpoint.get("name") or "gan-probe report"),
            subtitle=_subtitle(run_report.checkpoint),
            networks=_networks(run_report.checkpoint),
            analyses=[view for view in views if view not in not_run],
            not_run=not_run,
            methods=methods(run_report).numbered(),
            provenance=[
                (heading, list(_facts(facts)))
                for heading, facts in (("Run", run_report.run), ("Checkpoint", run_report.checkpoint))
                if facts
            ],
        )
    )


def render_analysis(report: Report) -> str:
    """One analysis as an HTML fragment that brings its own scoped style and takes on the notebook's colours."""
    view = _analysis(report, file_names([report])[0], {"table": 0, "figure": 0}, {})
    return _environment().get_template("fragment.html.j2").render(analysis=view, beside=False)


def _analysis(
    report: Report, files: Files, numbers: dict[str, int], pictures: Mapping[str, bytes], parts: Sequence[str] = ()
) -> dict[str, Any]:
    """What the template shows of an analysis; `parts` names those of the page, which tables may lead to.

    Long tables but the first come last, as details: the figures and what they say are not to be looked for below them.
    """
    findings = told(report.findings)
    tables = list(enumerate(zip(report.tables, files.tables, strict=True)))
    first = [pair for place, pair in tables if place == 0 or len(pair[0].rows) <= SHORT_TABLE]
    last = [pair for place, pair in tables if place > 0 and len(pair[0].rows) > SHORT_TABLE]
    return {
        "name": report.name,
        "title": report.title or report.name or "Report",
        "status": report.status,
        "error": report.error,
        "lead": _kept(shorten(findings[0], LONGEST_LEAD)) if findings else "",
        "findings": [_kept(finding) for finding in findings],
        "notes": report.notes,
        "tables": [_table(table, file, numbers, parts) for table, file in first],
        "details": [_table(table, file, numbers, parts) for table, file in last],
        "figures": [_figure(p, f, numbers, pictures) for p, f in zip(report.figures, files.figures, strict=True)],
        "artifacts": [
            *((file, artifact.caption) for artifact, file in zip(report.artifacts, files.artifacts, strict=True)),
            *((file, _behind(measure)) for measure, file in zip(report.measures, files.measures, strict=True)),
        ],
        "options": [(name.replace("_", "-"), _value(value)) for name, value in report.options.items()],
        "made": " · ".join(part for part in (report.plugin, duration(report.seconds)) if part),
    }


def _kept(prose: str) -> str:
    """The prose with its percent signs on the line of their numbers."""
    return PERCENT.sub("\u00a0%", prose)


def _behind(measure: Measure) -> str:
    """What a measure's file holds."""
    kind = "bootstrap replicates" if measure.estimate is not None else "values"
    return f"the {len(measure.values):,} {kind} behind {measure.title or measure.name}"


def _table(table: Table, file: str, numbers: dict[str, int], parts: Sequence[str]) -> dict[str, Any]:
    numbers["table"] += 1
    numeric = numeric_columns(table)
    links = {cell: f"analysis-{parts.index(name) + 1}" for cell, name in table.links.items() if name in parts}
    return {
        "links": links,
        "prose": len(table.columns) > 2 and not numeric,
        "number": numbers["table"],
        "title": table.title or table.name,
        "caption": _kept(table.caption),
        "file": f"{file}.csv, .tex",
        "columns": [(heading(column), column in numeric) for column in table.columns],
        "rows": [[(cell_text(table, c, row[c]), c in numeric) for c in table.columns] for row in table.rows],
    }


def _figure(figure: Figure, file: str, numbers: dict[str, int], pictures: Mapping[str, bytes]) -> dict[str, Any]:
    from gan_probe.report.drawing import DPI, png

    numbers["figure"] += 1
    content = pictures.get(file) or png(figure)
    width, height = struct.unpack(">II", content[16:24])  # the PNG header
    scale = CSS_DPI / DPI if figure.is_chart else 1
    return {
        "number": numbers["figure"],
        "title": figure.title or figure.name,
        "caption": _kept(figure.caption),
        "alt": figure.alt or figure.title or figure.name,
        "file": f"{file}.png, .pdf, .tex",
        "kind": "chart" if figure.is_chart else "pixels",
        "width": round(width * scale),
        "height": round(height * scale),
        "source": "data:image/png;base64," + base64.b64encode(content).decode(),
    }


def duration(seconds: float) -> str:
    """A time for people: `0.4 s`, `12 s`, `3 min 20 s`; nothing for 0."""
    if not seconds > 0:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _value(value: Any) -> str:
    """An option's or a fact's value as people read it; long lists are cut."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        shown = ", ".join(_value(item) for item in value[:SHOWN_ITEMS])
        more = f", … and {len(value) - SHOWN_ITEMS} more" if len(value) > SHOWN_ITEMS else ""
        return (shown or NONE) + more
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_value(item)}" for key, item in value.items()) or NONE
    return shorten(f"{value:.6g}" if isinstance(value, float) else value, 400)


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Labels and lines for the provenance; the networks' layers stand in the page's head and in report.json."""
    for key, value in facts.items():
        empty = value is None or value == "" or (isinstance(value, list | tuple | Mapping) and not value)
        if empty or (key in ("generator", "discriminator") and _is_network(value)):
            continue
        lines = [_value(value)]
        if isinstance(value, Mapping):
            lines = [f"{name} {_value(item)}" for name, item in value.items()]
        elif isinstance(value, list | tuple) and any(isinstance(item, str) for item in value):
            lines = [_value(item) for item in value[:SHOWN_ITEMS]]
            if len(value) > SHOWN_ITEMS:
                lines.append(f"… and {len(value) - SHOWN_ITEMS} more, all in report.json")
        yield str(key).replace("_", " "), lines


def _subtitle(card: Mapping[str, Any]) -> str:
    """Format, image size and latent of a card in one line; what the card lacks is left out."""
    parts = [str(card.get("format") or "")]
    if card.get("image_size") and card.get("channels"):
        colour = {1: "grey", 3: "colour"}.get(card["channels"], f"{card['channels']}-channel")
        parts.append(f"{card['image_size']} × {card['image_size']} {colour} images")  # noqa: RUF001  # the right sign
    if card.get("z_size") and card.get("generator"):
        parts.append(f"{card['z_size']}-d {card.get('z_distribution', '')} latent")
    if classes := card.get("classes"):
        parts.append(f"{len(classes)} classes")
    if card.get("training_data"):
        parts.append(f"trained on {card['training_data']}")
    return " · ".join(part for part in parts if part)


def _networks(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each network as its chain of channels, `100 → 256 → 128 → 64 → 3`."""
    networks = []
    for role in ("generator", "discriminator"):
        stages = card.get(role)
        if not _is_network(stages):
            continue
        channels = [stages[0].get("inputs")]
        for stage in stages:
            shape = stage.get("shape")
            channels.append(shape[0] if isinstance(shape, list | tuple) and shape else stage.get("outputs"))
        networks.append((role, " → ".join(str(n) for n in channels)))
    return networks


def _is_network(stages: object) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    """Whether a card's entry is a network's stages: other people's cards may hold anything under these names."""
    return isinstance(stages, list | tuple) and bool(stages) and all(isinstance(stage, Mapping) for stage in stages)
