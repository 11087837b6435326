"""Images to train on, and a training to compare others with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from gan_probe.data import Split, open_data

from .numbered import N
from .stopping import TINY, Whole, everything, go, losses


@pytest.fixture(scope="session", params=["float32", "bfloat16"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A training that never stopped."""
    recipe = dataclasses.replace(TINY, precision=request.param)
    history = go(folder := tmp_path_factory.mktemp(request.param), recipe)
    return Whole(recipe, everything(folder), losses(history))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """300 grey images in two classes; image i is filled with i % 256, and its red corner is i // 256."""
    root = tmp_path_factory.mktemp("images")
    for i in range(N):
        pixels = np.full((8, 8, 3), i % 256, np.uint8)
        pixels[0, 0] = i // 256
        file = root / f"{'ab'[i >= 100]}/{i:03}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(file)
    return root


@pytest.fixture
def split(folder) -> Split:
    """These images, without any of them read."""
    return open_data(folder).train


@pytest.fixture
def little_memory(monkeypatch):
    """Memory in which these images just do not fit."""
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: N * 8 * 8 * 3)
