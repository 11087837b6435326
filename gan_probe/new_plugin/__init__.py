"""A small package to begin a plugin with: an analysis that works, its registration, and its tests."""

from __future__ import annotations

import re
from pathlib import Path

from gan_probe.errors import OutputError, UsageError, one_line

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def plugin_files(name: str) -> dict[str, str]:
    """The texts by file name of the package `gan-probe-NAME`; UsageError for a name that none can have."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if not NAME.fullmatch(name) or len(name) > 40:
        raise UsageError(f"{one_line(name, 60)!r} cannot name an analysis: use a-z, 0-9 and single dashes, 40 at most")
    module = f"gan_probe_{name.replace('-', '_')}"
    # files of code, not of HTML: nothing is to be escaped
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, keep_trailing_newline=True
    )
    words = {
        "name": name,
        "module": module,
        "cls": "".join(part.capitalize() for part in name.split("-")),
        "title": name.replace("-", " ").capitalize(),
    }
    files = {"pyproject.toml": "pyproject.toml.j2", f"{module}.py": "analysis.py.j2", f"test_{module}.py": "test.py.j2"}
    return {target: environment.get_template(source).render(words) for target, source in files.items()}


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write the package into a folder that is new or empty; OutputError where it is neither, or cannot be written."""
    from gan_probe.disk import write_text

    files = plugin_files(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        full = any(folder.iterdir())
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror or error}") from error
    if full:
        raise OutputError(f"{folder} is not empty: choose another place with --out")
    for file, text in files.items():
        write_text(folder / file, text)
    return [folder / file for file in files]
