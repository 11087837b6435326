"""Damage and malice by the hundred: a tenth of it in the quick suite, all of it with -m slow."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gan_probe.checkpoints.folder import save_folder
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

SCRIPT = Path(__file__).with_name("hostile.py")
KINDS = ("safetensors", "onnx", "npz")
LIMIT = 2 * 2**30


def written(folder: Path, kind: str) -> tuple[Path, Path]:
    """What the user would name, and the file that is to be damaged."""
    if kind == "pt":
        save_checkpoint(tiny_gan(), folder / "ckpt.pt")
        return folder / "ckpt.pt", folder / "ckpt.pt"
    save_folder(tiny_gan(), folder / "model")
    return folder / "model", folder / "model" / "model.safetensors"


# in each of the two formats, so that the slow ones make 500 truncations and 1,000 flipped bits
@pytest.mark.parametrize(("cuts", "flips"), [(25, 50), pytest.param(250, 500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_our_own_checkpoints_cut_or_flipped_are_all_refused(gan_probe_command, tmp_path, kind, cuts, flips):
    named, path = written(tmp_path, kind)
    raw = path.read_bytes()
    rng = random.Random(kind)  # noqa: S311  # seeded, no secret
    damaged = [raw[: rng.randrange(len(raw))] for _ in range(cuts)]
    for _ in range(flips):
        flipped = bytearray(raw)
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    assert gan_probe_command("info", named)[0] == 0
    slowest = 0.0
    for content in damaged:
        path.write_bytes(content)
        began = time.monotonic()
        code, out, err = gan_probe_command("info", named)
        slowest = max(slowest, time.monotonic() - began)
        assert (code, out) == (3, "")
        assert len(err.strip().splitlines()) == 1
    assert slowest < 10


@pytest.mark.parametrize(
    ("first", "last"), [(0, 67), pytest.param(67, 700, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_fuzzed_headers_neither_crash_nor_hang_nor_fill_the_memory(first, last):
    words = [sys.executable, SCRIPT, first, last, *KINDS]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False, timeout=15 * 60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["counts"]) <= {"refused", "opened"}
    assert sum(found["counts"].values()) == len(KINDS) * (last - first)
    assert found["counts"]["opened"] > 0  # some are whole, so that the readers are gone through to their ends
    assert found["counts"]["refused"] > 0.8 * len(KINDS) * (last - first)
    assert found["slowest"][0] < 10
    assert found["peak"] < LIMIT
    print(found)


def test_the_limited_process_reports_what_eats_memory_or_raises(tmp_path):
    """The control: a container whose reader is naive is found out."""
    (tmp_path / "naive.py").write_text(
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import hostile\n"
        "def eat(path): return bytes(3 * 2**30) and None\n"
        "hostile.HEADERS['naive'] = ('.x', lambda rng: b'', eat)\n"
        "hostile.main(0, 1, 'naive')\n"
    )
    done = subprocess.run([sys.executable, tmp_path / "naive.py"], capture_output=True, text=True, check=True)
    (kind,) = json.loads(done.stdout)["counts"]
    assert kind.startswith("MemoryError")
