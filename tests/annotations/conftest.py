"""A card to hold annotations against."""

import pytest

from gan_probe import Card


@pytest.fixture(scope="session")
def card():
    return Card("rooms", "pt", image_size=64, channels=3, sha256="a" * 64)
