"""Networks as training begins with them."""

from __future__ import annotations

import numpy as np
import pytest

from gan_probe.analysis import Context
from gan_probe.errors import BadInputError
from gan_probe.training import Recipe
from gan_probe.training.loop import train
from gan_probe.training.source import InMemory
from gan_probe.training.untrained import untrained

from .bars import bars
from .weights import weights


def test_initial_weights_have_the_papers_spread() -> None:
    gan, *_ = untrained(InMemory(bars(2)[0]), Recipe(width=32), Context())
    large = [w for name, w in weights(gan).items() if name.endswith("op.weight") and w.numel() > 1000]
    assert len(large) > 2
    for tensor in large:
        assert tensor.std().item() == pytest.approx(0.02, rel=0.05)
        assert abs(tensor.mean().item()) < 0.002


def test_networks_beyond_memory_are_refused_before_they_are_built():
    images = np.zeros((4, 128, 128, 1), np.uint8)
    with pytest.raises(BadInputError, match="lower --width") as caught:
        train(images, Recipe(width=1024, z_size=65536))
    assert len(str(caught.value)) <= 200
