import numpy as np
import pytest

from gan_probe.testing import tiny_gan
from gan_probe.training.grids import SampleGrids


@pytest.mark.parametrize("epochs", [1, 2, 7, 400])
def test_the_first_and_the_last_epoch_are_among_a_few_chosen(epochs: int) -> None:
    chosen = SampleGrids(epochs, np.random.default_rng(0)).epochs
    assert {0, 1, epochs} <= chosen <= set(range(epochs + 1))
    assert len(chosen) <= 8


def test_every_grid_shows_the_same_latents() -> None:
    gan = tiny_gan()
    grids = SampleGrids(2, np.random.default_rng(0))
    for epoch in (0, 1, 2, 3):
        grids(epoch, gan)
    assert set(grids.images) == {0, 1, 2}
    assert np.array_equal(grids.images[0], grids.images[2])


def test_a_column_is_a_class() -> None:
    gan = tiny_gan(classes=3)
    grids = SampleGrids(1, np.random.default_rng(0))
    grids(0, gan)
    assert grids.columns == 3
    assert len(grids.images[0]) % 3 == 0
