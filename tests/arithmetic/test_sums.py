"""Sums of exemplars against a loop, and the paper's grid of neighbours."""

import numpy as np

from gan_probe.arithmetic import neighbours, pixel_sum, rescaled, signed_sum


def test_the_sum_of_latents_is_that_of_a_loop():
    z = np.random.default_rng(0).normal(size=(3, 5, 4, 7))
    for r in range(5):
        expected = sum(z[0, r, i] - z[1, r, i] + z[2, r, i] for i in range(4)) / 4
        np.testing.assert_allclose(signed_sum(z)[r], expected)


def test_pixels_are_averaged_before_they_are_clipped():
    images = np.zeros((3, 1, 2, 1, 1, 3), np.uint8)
    images[0, 0, :, 0, 0] = [[200, 10, 0], [100, 11, 0]]
    images[1, 0, :, 0, 0] = [[0, 0, 90], [0, 0, 90]]
    images[2, 0, :, 0, 0] = [[250, 0, 30], [210, 0, 30]]
    np.testing.assert_array_equal(pixel_sum(images), [[[[255, 10, 0]]]])  # 150 + 230; 10.5 to even; 0 - 90 + 30


def test_three_exemplars_keep_the_length_of_a_latent_and_one_does_not():
    rng = np.random.default_rng(1)
    z = rng.uniform(-1, 1, (3, 4000, 3, 20))
    typical = np.square(z[0, :, 0]).sum(1).mean()
    assert abs(np.square(signed_sum(z)).sum(1).mean() / typical - 1) < 0.02
    single = signed_sum(z[:, :, :1])
    assert abs(np.square(single).sum(1).mean() / typical - 3) < 0.06
    assert abs(np.square(rescaled(single, z[0, :, 0])).sum(1).mean() / typical - 1) < 1e-9


def test_the_neighbours_surround_the_sum():
    y = np.random.default_rng(2).normal(size=(6, 100))
    around = neighbours(y, np.random.default_rng(3))
    np.testing.assert_array_equal(around[:, 4], y)
    away = np.abs(np.delete(around, 4, axis=1) - y[:, None])
    assert 0.24 < away.max() < 0.25
    assert abs(away.mean() - 0.125) < 0.005
