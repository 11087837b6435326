"""Whatever moment a training is killed at, every checkpoint and every state that it has written opens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="trainings are forked, which this system cannot")


def killed(folder: Path, kills: int, in_place: int = 0) -> list[dict[str, Any]]:
    """What was found after so many kills and, if asked for, after others of trainings that write in place."""
    script = Path(__file__).with_name("killed.py")
    line = [sys.executable, str(script), str(folder), "0", str(kills), *([str(in_place)] if in_place else [])]
    # a fork has none of its parent's threads, and would wait for them for ever
    alone = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=1800, env=alone)
    assert done.returncode == 0, done.stderr
    return [json.loads(found) for found in done.stdout.splitlines()]


def check(found: dict[str, Any], kills: int) -> None:
    assert found["unreadable"] == []
    assert found["kills"] == kills
    assert found["states seen"] >= kills  # there was something to be damaged
    assert found.get("stops without a state", 0) == 0
    # SIGTERM saves and exits with 75; before training begins it just ends it, at the end the result is written first
    outcomes = {name for name in found if name.startswith("SIG")}
    assert outcomes <= {"SIGKILL death by 9", "SIGTERM exit 75", "SIGTERM death by 15", "SIGTERM exit 0"}


def test_kills_leave_every_checkpoint_readable_but_those_written_in_place(tmp_path: Path) -> None:
    whole, in_place = killed(tmp_path, 12, 30)
    check(whole, 12)
    assert in_place["unreadable"]


@pytest.mark.slow  # four minutes
@pytest.mark.timeout(1800)
def test_four_hundred_kills_leave_every_checkpoint_readable(tmp_path: Path) -> None:
    (found,) = killed(tmp_path, 400)
    print(found)
    check(found, 400)
    assert found["inside a save"] > 20
