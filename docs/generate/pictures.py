"""Figures and findings of the example reports, with the captions that stand in them."""

from __future__ import annotations

import html
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).resolve().parents[2] / "reports"


@cache
def reports() -> dict[str, dict[str, Any]]:
    """The example reports by name, as their report.json holds them."""
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in REPORTS.glob("*/report.json")}


def report_files(folder: Path) -> dict[str, Path]:
    """Where each page and picture of the example reports lies on the site, and in the repository."""
    found = [*folder.glob("*/index.html"), *folder.glob("*/figures/*.png")]
    return {f"reports/{path.relative_to(folder).as_posix()}": path for path in found}


def shown_width(path: Path) -> int:
    """Pixels that a picture takes on the page: half its own, as it is drawn for dense screens, small ones more."""
    width: int = struct.unpack(">I", path.read_bytes()[16:20])[0]  # a PNG's header begins with it
    return max(width // 2, min(width, 360))


def figure(words: str) -> str:
    """A picture with its title and caption: `REPORT ANALYSIS NAME`."""
    report, analysis, name = words.split()
    for found in reports()[report]["analyses"]:
        for part in found["figures"]:
            if (found["name"], part["name"]) == (analysis, name):
                title, caption, alt = (html.escape(part[key]) for key in ("title", "caption", "alt"))
                picture = f"![{alt.replace('[', '(').replace(']', ')')}](/reports/{report}/{part['file']})"
                picture += f'{{ width="{shown_width(REPORTS / report / part["file"])}" }}'
                whole = f"[The whole report](/reports/{report}/index.html)."
                return (
                    f'<figure markdown="span">\n{picture}\n<figcaption markdown="span">**{title}.** {caption} '
                    f"{whole}</figcaption>\n</figure>"
                )
    raise KeyError(f"report {report} has no figure {name} of {analysis}")


def findings(words: str) -> str:
    """What an analysis found, as a quotation: `REPORT ANALYSIS`."""
    report, analysis = words.split()
    for found in reports()[report]["analyses"]:
        if found["name"] == analysis and found["findings"]:
            said = [html.escape(finding) for finding in found["findings"]]
            return "\n".join(["The example report found:", "", "\n>\n".join(f"> {finding}" for finding in said)])
    raise KeyError(f"report {report} has no findings of {analysis}")
