"""A pickle that would do something: whoever loads it makes a file."""

from __future__ import annotations

import os
from pathlib import Path


class Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)
