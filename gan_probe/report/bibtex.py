r"""BibTeX entries as plugins bring them: parsed strictly, so that a broken or an active one is found before it is used.

Values may hold accents (`{\'e}`), braces and escaped signs; any other command is refused, for LaTeX would run it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.report.latex import escape
from gan_probe.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = r"[A-Za-z][A-Za-z0-9:._/+-]*"
CITATION = re.compile(rf"\[@({KEY})\]")  # as methods paragraphs write it
HEAD = re.compile(rf"\s*@([A-Za-z]+)\s*\{{\s*({KEY})\s*,\s*")
FIELD = re.compile(r"([A-Za-z]+)\s*=\s*")
LINKS = {"doi", "eprint", "url"}  # no style prints them as LaTeX text
LINK = re.compile(r"[A-Za-z0-9:/._~%#?=&+()-]*")
LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł",
    "L": "Ł", "i": "\u0131",
}  # fmt: skip
ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "c": "\u0327", "d": "\u0323", "k": "\u0328",
}  # fmt: skip
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
ACCENTED = re.compile(r"\\(?:([`'^~=.\"])\s*|([uHvcdkr])(?:\s+|(?=\{)))\{?(\\i(?![A-Za-z])|[A-Za-z])\}?")
NAMED = re.compile(rf"\\({'|'.join(LETTERS)})(?![A-Za-z])(?:\{{\}}|\s+)?")
DASHES = {"---": "\u2014", "--": "\u2013", "~": " ", "``": "\u201c", "''": "\u201d"}
CONTAINERS = ("journal", "booktitle", "school", "institution", "howpublished", "publisher")


@dataclass(frozen=True)
class Entry:
    """One entry: its kind (`article`), its key, and its fields as LaTeX."""

    kind: str
    key: str
    fields: Mapping[str, str]

    def bibtex(self) -> str:
        """The entry as BibTeX, in ASCII."""
        lines = [f"  {name} = {{{_ascii(value)}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"

    def text(self) -> str:
        """The entry as a reference list prints it: authors, title, where and when."""
        field = {name: plain(value) for name, value in self.fields.items()}
        container = next((field[name] for name in CONTAINERS if field.get(name)), "")
        if field.get("volume"):
            container += f" {field['volume']}" + (f"({field['number']})" if field.get("number") else "")
        where = [container, f"pages {field['pages']}" if field.get("pages") else "", field.get("year", "")]
        parts = [_people(self.fields.get("author", "")), field["title"], ", ".join(part for part in where if part)]
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


def parse(text: object) -> Entry:
    """The one entry that the text holds; ValueError says what is wrong with it."""
    if not isinstance(text, str):
        raise ValueError(f"it is {type(text).__name__}, not the text of a BibTeX entry")  # one kind
    if not (head := HEAD.match(text)):
        raise ValueError("it does not begin as a BibTeX entry does, @article{key2016, ...")
    kind, key, at = head[1].lower(), head[2], head.end()
    if kind in ("string", "preamble", "comment"):
        raise ValueError(f"@{kind} is no entry")
    fields: dict[str, str] = {}
    while not text.startswith("}", at):
        if not (name := FIELD.match(text, at)):
            raise ValueError(f"{key}: no field, such as title = {{...}}, at {text[at : at + 20]!r}")
        value, at = _value(text, name.end(), f"{key}: {name[1]}")
        fields[name[1].lower()] = _checked(value, name[1].lower(), f"{key}: {name[1]}")
        rest = re.compile(r"\s*(,\s*|(?=\}))").match(text, at)
        if not rest:
            raise ValueError(f"{key}: a comma or the closing brace is missing behind {name[1]}")
        at = rest.end()
    if text[at + 1 :].strip():
        raise ValueError(f"{key}: more stands behind its closing brace: give one entry each")
    if not fields.get("title"):
        raise ValueError(f"{key}: it has no title")
    return Entry(kind, key, fields)


def _value(text: str, at: int, what: str) -> tuple[str, int]:
    """The value that begins there, without what encloses it, and where it ends."""
    if number := re.compile(r"\d+").match(text, at):
        return number[0], number.end()
    opening = text[at : at + 1]
    if opening not in ("{", '"'):
        raise ValueError(f"{what} is neither in braces, in quotes nor a number")
    depth = 0
    for i in range(at + 1, len(text)):
        if text[i] == "{":
            depth += 1
        elif text[i] == "}" and depth:
            depth -= 1
        elif text[i] == ("}" if opening == "{" else '"') and not depth:
            return text[at + 1 : i], i + 1
        elif text[i] == "}":
            break
    raise ValueError(f"{what}: its braces or quotes are not closed")


def _checked(value: str, name: str, what: str) -> str:
    value = " ".join(value.split())
    if visible(value) != value:
        raise ValueError(f"{what} holds characters that cannot be seen")
    if name in LINKS:
        if not LINK.fullmatch(value):
            raise ValueError(f"{what} is no plain link: {value[:40]!r}")
        return value
    for command in COMMAND.findall(value):
        if command not in LETTERS and command not in ACCENTS and command not in set("&%_#$"):
            raise ValueError(
                f"{what} holds the command \\{command[:20]}: only accents and \\& \\% \\_ \\# \\$ are taken"
            )
    if bare := re.search(r"[%&#$_^\\]", COMMAND.sub("", value)):
        raise ValueError(f"{what} holds a bare {bare[0]}: write \\{bare[0]}")
    return value


def _ascii(value: str) -> str:
    return "".join(c if c.isascii() else f"{{{escape(c)}}}" for c in value)


def plain(value: str) -> str:
    """A value as people read it: letters for accents, no braces."""

    def letter(match: re.Match[str]) -> str:
        return unicodedata.normalize("NFC", match[3].removeprefix("\\") + ACCENTS[match[1] or match[2]])

    text = NAMED.sub(lambda match: LETTERS[match[1]], ACCENTED.sub(letter, value))
    text = re.sub(r"\\([&%_#$])", r"\1", text)
    for code, sign in DASHES.items():
        text = text.replace(code, sign)
    return text.replace("{", "").replace("}", "")


def _people(authors: str) -> str:
    """`Radford, Alec and Metz, Luke` as `Alec Radford and Luke Metz`."""
    names = []
    for name in re.split(r"\s+and\s+", authors.strip()) if authors.strip() else []:
        last, comma, first = name.partition(",")
        names.append(plain(f"{first.strip()} {last.strip()}" if comma else name))
    if names and names[-1] == "others":
        return ", ".join(names[:-1]) + " et al."
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
