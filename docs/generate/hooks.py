"""What mkdocs asks of this project while it builds: pages made from declarations, and the markers that pages hold.

A marker is a comment on a line of its own, `<!-- figure: toy-rooms-dcgan latent-walk speed -->`; `MARKERS` says what
takes its place. What a page can be told by the code is never written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import command_pages, help_of
from declared import analysis_of, examples_of, overview
from mkdocs.structure.files import File
from notebooks import executed
from pictures import figure, findings, report_files
from pieces import piece

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^<!-- (?P<kind>[a-z]+): (?P<words>.+) -->$", re.MULTILINE)
MARKERS: dict[str, Callable[[str], str]] = {
    "analysis": analysis_of,  # NAME: its options, needs, outputs and references
    "analyses": overview,  # all: a table of the built-in analyses
    "code": piece,  # FILE [NAME]: the file, or one function or class of it
    "examples": examples_of,  # NAME: command lines of an analysis
    "command": help_of,  # NAME: what its --help says, where this version has it
    "figure": figure,  # REPORT ANALYSIS NAME: of an example report, with its own caption
    "findings": findings,  # REPORT ANALYSIS: what came out in an example report
    "notebook": executed,  # FILE: what its cells say when they are run now
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the commands' pages into the navigation."""
    for section in config.nav or []:
        for pages in section.values():
            if isinstance(pages, list) and {"Commands": "commands"} in pages:
                pages[pages.index({"Commands": "commands"})] = {"Commands": list(command_pages())}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the commands' pages and the example reports."""
    for path, text in command_pages().items():
        files.append(File.generated(config, path, content=text))
    for path, source in report_files(ROOT / "reports").items():
        files.append(File.generated(config, path, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put what they stand for in the markers' place."""

    def replaced(found: re.Match[str]) -> str:
        if found["kind"] not in MARKERS:
            return found[0]
        made = MARKERS[found["kind"]](found["words"])
        # links in it are given from the top of the site
        return made.replace("](/", "](" + "../" * page.file.src_uri.count("/"))

    return MARKER.sub(replaced, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Lay the search index down as a script, too: a page opened as a file may not fetch it."""
    index = Path(config.site_dir, "search", "search_index.json")
    index.with_suffix(".js").write_text(f"var __index = {index.read_text(encoding='utf-8')}", encoding="utf-8")
