"""The methods section of a run: what each analysis says of itself, behind what is true of all, and what they cite."""

from __future__ import annotations

import dataclasses
import functools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.report.bibtex import CITATION, Entry, parse
from gan_probe.report.latex import prose
from gan_probe.report.setting import setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gan_probe.report.model import RunReport

METHODS, REFERENCES = "methods.tex", "references.bib"
OWN = Path(__file__).with_name("references.bib")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph under its title; its text cites as `[@key]`."""

    title: str
    text: str


@dataclass(frozen=True)
class Methods:
    """The section: its paragraphs, and the entries that they cite, in the order of citing."""

    paragraphs: Sequence[Paragraph]
    entries: Sequence[Entry]

    def numbered(self) -> dict[str, Any]:
        """The view of the page: paragraphs as (text, number of a reference or None), and the references as text."""
        number = {entry.key: i for i, entry in enumerate(self.entries, 1)}
        return {
            "paragraphs": [
                (part.title, [(text, number.get(key)) for text, key in _pieces(part.text, number)])
                for part in self.paragraphs
            ],
            "references": [entry.text() for entry in self.entries],
        }


def methods(run_report: RunReport) -> Methods:
    """The section of a run, each thing said once; two works under one key are told apart.

    A part is headed by its analysis, whatever the part itself is called.
    """
    known = {entry.key: entry for entry in own_entries()}
    cited: dict[str, Entry] = {}
    paragraphs = []
    if text := setting(run_report.checkpoint, run_report.run):
        paragraphs.append(Paragraph("Setting", text))
        cited = {key: known[key] for key in CITATION.findall(text) if key in known}
    for report in run_report.analyses:
        if not report.methods:
            continue
        keys = {}
        for entry in map(parse, report.references):
            keys[entry.key], found = _place(entry, cited)
            cited[found.key] = found
        text = CITATION.sub(lambda match, keys=keys: f"[@{keys.get(match[1], match[1])}]", report.methods)  # type: ignore[misc]  # bound now
        paragraphs.append(Paragraph(report.analysis or report.title or report.name, text))
    paragraphs = list(dict.fromkeys(paragraphs))  # an analysis of several parts may say the same of each
    return Methods(paragraphs, list(cited.values()))


@functools.cache
def own_entries() -> tuple[Entry, ...]:
    """What a run itself cites: gan-probe, PyTorch, and data sets."""
    return tuple(parse(text) for text in re.split(r"\n(?=@)", OWN.read_text("ascii")))


def _place(entry: Entry, cited: dict[str, Entry]) -> tuple[str, Entry]:
    """The key under which an entry is listed: its own, or with a number where another work has that."""
    n, found = 2, entry
    while cited.get(found.key, found) != found:
        found, n = dataclasses.replace(entry, key=f"{entry.key}-{n}"), n + 1
    return found.key, found


def _pieces(text: str, known: object) -> Iterator[tuple[str, str]]:
    """Text and the key cited behind it, in turn; what cites nothing known stays text."""
    assert isinstance(known, dict)  # noqa: S101  # for the type checker
    start = 0
    for match in CITATION.finditer(text):
        if match[1] in known:
            yield text[start : match.start()], match[1]
            start = match.end()
    yield text[start:], ""


def to_tex(section: Methods) -> str:
    r"""The section for `\input`, in ASCII; its citations are those of `references.bib`."""
    lines = [rf"% for \input, with \bibliography{{{REFERENCES.removesuffix('.bib')}}} at the document's end"]
    known = {entry.key: entry for entry in section.entries}
    for part in section.paragraphs:
        text = rf"\paragraph{{{prose(part.title)}{'' if part.title.endswith(('.', '?', '!')) else '.'}}}" + "\n"
        for piece, key in _pieces(part.text, known):
            text += (prose(piece.rstrip(" ")) + rf"~\cite{{{key}}}") if key else prose(piece)
        lines += textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
        lines.append("")
    return "\n".join([*lines, ""])


def to_bibtex(section: Methods) -> str:
    """The entries cited, as a BibTeX file in ASCII."""
    return "\n\n".join(entry.bibtex() for entry in section.entries) + "\n"
