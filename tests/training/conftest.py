"""A training to compare others with."""

from __future__ import annotations

import dataclasses

import pytest

from .stopping import TINY, Whole, everything, go, losses


@pytest.fixture(scope="session", params=["float32", "bfloat16"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A training that never stopped."""
    recipe = dataclasses.replace(TINY, precision=request.param)
    history = go(folder := tmp_path_factory.mktemp(request.param), recipe)
    return Whole(recipe, everything(folder), losses(history))
