"""Tar archives on disk."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .tars import packed

Write = Callable[..., Path]


@pytest.fixture
def shard(tmp_path) -> Write:
    def write(name: str, files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(files, form))
        return path

    return write
