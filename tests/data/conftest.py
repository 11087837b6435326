"""Small images, and the shape that every refusal must have."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_probe.errors import BadInputError


@pytest.fixture
def refused() -> Callable[..., str]:
    """Call a function that must raise BadInputError; returns its message, one printable line of at most 200."""

    def check(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        with pytest.raises(BadInputError) as caught:
            function(*args, **kwargs)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) <= 200
        return message

    return check


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Encode an image: pixels (H, W) or (H, W, 3) uint8, or a level that fills 8x8 pixels."""

    def encode(pixels: Any = 0, format: str = "PNG") -> bytes:  # noqa: A002  # Pillow's own word
        array = np.full((8, 8), pixels, np.uint8) if np.isscalar(pixels) else np.asarray(pixels)
        file = io.BytesIO()
        Image.fromarray(array).save(file, format)
        return file.getvalue()

    return encode


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write files by relative name into a folder `set`."""

    def write(files: dict[str, bytes]) -> Path:
        root = tmp_path / "set"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return write
