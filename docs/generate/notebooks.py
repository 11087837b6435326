"""A notebook as a page: its cells are run when the site is built, and what they say is what stands there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300  # that a cell may take


def executed(name: str) -> str:
    """The notebook at this path, run in an empty folder, as Markdown; its errors are the build's."""
    return "\n\n".join(part for cell in run(ROOT / name)["cells"] for part in _cell(cell))


def run(path: Path) -> Any:
    """The notebook with the outputs of a run of now."""
    import tempfile

    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    environment = os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # a debugger's remark on frozen modules
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            book,
            timeout=SECONDS,
            extra_arguments=["--IPKernelApp.log_level=40"],
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=environment)
    return json.loads(nbformat.writes(book))


def _cell(cell: dict[str, Any]) -> list[str]:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    return [f"```python\n{source}\n```", *(shown for output in cell["outputs"] if (shown := _output(output)))]


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return _block(_text(output["text"])) if output["name"] == "stdout" else ""
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output">{_unindented(_text(data["text/html"]))}</div>'
    if "image/png" in data:
        picture = _text(data["image/png"]).replace("\n", "")
        wide = output.get("metadata", {}).get("image/png", {}).get("width", "")
        size = f' width="{wide}"' if wide else ""
        shown = f'<img alt="Output of the cell above"{size} src="data:image/png;base64,{picture}">'
        return f'<div class="output">{shown}</div>'
    return _block(_text(data.get("text/plain", "")))


def _unindented(markup: str) -> str:
    # a blank line would end the block of HTML, an indented one begin a block of code
    return "\n".join(line.strip() for line in markup.splitlines() if line.strip())


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
