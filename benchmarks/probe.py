"""All that the probe's speed is made of, in one run: extraction against onnxruntime's, the solver against LinearSVC.

    python benchmarks/probe.py [--shared FOLDER] [what else solver.py takes]

Runs extraction.py and solver.py, and gathers what they found in one line of JSON, the last.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def found(script: str, *arguments: str) -> dict[str, Any]:
    """What a script's last line says; all lines are shown as they come."""
    with subprocess.Popen([sys.executable, HERE / script, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(process.returncode)
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def main() -> None:
    """Run both, gather, print."""
    extraction = found("extraction.py")
    solver = found("solver.py", *sys.argv[1:])
    one, many = solver["solver"], solver["draws"]
    gathered = {
        "ratio": one["ratio"],
        "gap": one["gap"],
        "ours_s": one["seconds"],
        "sklearn_s": one["linear_svc"]["seconds"],
        "peak_gb": one["peak_gb"],
        "extract_ratio_ort": extraction["ratio_pooled"],
        "draws": many["fits"],
        "draws_ratio": many["ratio"],
        "draws_gap": many["gap"],
        "growth": [{key: row[key] for key in ("rows", "seconds", "own_memory_gb")} for row in solver["growth"]],
    }
    print(json.dumps(gathered))


if __name__ == "__main__":
    main()
