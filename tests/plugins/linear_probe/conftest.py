"""Stripes in a file, to be probed."""

import pytest

from .stripes import npz_of, stripes


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """300 images to train on and 300 to test."""
    return npz_of(tmp_path_factory.mktemp("world"), *stripes(300, 0), *stripes(300, 1))
