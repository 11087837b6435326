"""Tar archives on disk, and the toy worlds."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_probe.data.worlds import toy_faces, toy_rooms

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


@pytest.fixture(params=[toy_rooms, toy_faces], ids=lambda world: world.name)
def world(request):
    return request.param
