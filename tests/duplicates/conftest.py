"""Drawn rooms, all different."""

import numpy as np
import pytest

from gan_probe.data import open_data


@pytest.fixture(scope="session")
def rooms():
    """Images (600, 32, 32, 3) uint8."""
    return open_data("toy-rooms").train.subset(np.arange(600)).load(32, 3).images
