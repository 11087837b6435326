"""Files that must be refused in one line."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.errors import BadInputError


def refused(path: Path, match: str) -> None:
    with pytest.raises(BadInputError, match=match) as caught:
        load_gan(LoadRequest(path))
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


def refused_at_once(path: Path, match: str | None = None) -> None:
    start = time.process_time()  # of this process: others' load is no hang
    refused(path, match or f"{re.escape(path.name)}: ")
    assert time.process_time() - start < 10
