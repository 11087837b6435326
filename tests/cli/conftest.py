"""A checkpoint to give to commands."""

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("ckpt") / "tiny.pt"
    save_checkpoint(tiny_gan(), path)
    return path
