"""A store of features on disk."""

import pytest

from gan_probe.features import FeatureStore


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")
