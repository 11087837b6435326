"""Keras itself, on torch, which writes the files and is the oracle."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest


@pytest.fixture(scope="session")
def keras():
    if find_spec("keras") is None or find_spec("h5py") is None:
        pytest.skip("Keras itself writes these files: pip install keras h5py")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        if keras.backend.backend() == "tensorflow":
            pytest.skip("Keras runs on TensorFlow here, which these tests do not need")
        keras.utils.set_random_seed(0)
        yield keras


@pytest.fixture
def save() -> Callable[[Any, Any], None]:
    """Saves a model without Keras' advice against .h5."""

    def quiet(model, path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(path)

    return quiet
