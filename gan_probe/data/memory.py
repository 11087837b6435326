"""Refuse in one line what would not fit into memory, before it is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from gan_probe.errors import BadInputError

# Features, a copy while sorting out damaged images, and the network need the other half.
SHARE = 0.5


def check_memory(needed: int, what: str) -> None:
    """BadInputError if `needed` bytes exceed half of the memory that is available now."""
    if not fits(needed):
        available = available_memory() or 0
        raise BadInputError(
            f"{what} needs {needed / 1e9:.1f} GB, more than half of the {available / 1e9:.1f} GB available: "
            "draw fewer images with --train-size, or take a smaller set"
        )


def fits(needed: int) -> bool:
    """Whether `needed` bytes are at most half of the memory that is available now, or nobody says how much that is."""
    available = available_memory()
    return available is None or needed <= SHARE * available


def sharers() -> int:
    """Processes of one training on this machine, which share its memory and cores: as torchrun says, else 1."""
    said = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, int(said)) if said.isdecimal() else 1


def available_memory() -> int | None:
    """Bytes that can be allocated now, by the system and by the container; None where neither says."""
    known = [n for n in (_system(), _container()) if n is not None]
    return min(known, default=None)


def _system() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: POSIX tells at least the total
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _container(cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text("ascii").strip()
        if limit == "max":
            return None
        used = int((cgroup / "memory.current").read_text("ascii"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text("ascii").splitlines())
        # file cache counts as used, and is given back on demand
        return int(limit) - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        return None
