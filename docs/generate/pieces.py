"""Pieces of the project's own files, as code on a page: what is shown is what is tested."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {".py": "python", ".toml": "toml"}


def piece(words: str) -> str:
    """A block of code: `FILE`, or of a Python file `FILE NAME` (a function or class) or `FILE imports`."""
    name, _, wanted = words.partition(" ")
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    shown = definition(text, wanted) if wanted else text
    return f'```{LANGUAGES[path.suffix]} title="{path.name}"\n{shown.rstrip()}\n```'


def definition(source: str, name: str) -> str:
    """The lines of a top-level function or class with its decorators, or of all imports; KeyError if there is none."""
    lines = source.splitlines()
    if name == "imports":
        imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        return "\n".join(lines[imports[0].lineno - 1 : imports[-1].end_lineno])
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(lines[first - 1 : node.end_lineno])
    raise KeyError(f"there is no {name} to show")
