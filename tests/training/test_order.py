"""The order of an epoch: every image once, few blocks of them at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.training.order import BLOCK, WINDOW, shuffled

from .numbered import rng


@given(st.integers(1, 150_000), st.integers(0, 2**32))
def test_the_order_holds_every_number_once(n, seed):
    assert (np.sort(shuffled(n, rng(seed))) == np.arange(n)).all()


def test_the_order_reads_few_blocks_at_a_time_and_mixes_them():
    order = shuffled(4 * BLOCK * WINDOW, rng())
    first = np.unique(order[: BLOCK * WINDOW] // BLOCK)
    assert len(first) == WINDOW
    assert np.unique(order[: BLOCK * WINDOW] * 4 // len(order)).tolist() == [0, 1, 2, 3]  # from everywhere
    blocks = [len(np.unique(order[i : i + 128] // BLOCK)) for i in range(0, BLOCK * WINDOW, 128)]
    expected = WINDOW * (1 - (1 - 1 / WINDOW) ** 128)  # blocks that 128 draws meet
    assert np.mean(blocks) == pytest.approx(expected, abs=1)
