"""Whether an image could be one of a set: others of it pass, noise and overlays do not."""

import numpy as np

from gan_probe.arithmetic import Plausible, nearest


def bars(n, seed):
    """One bright bar each, somewhere on a dark line: a set that blends of its members leave."""
    rng = np.random.default_rng(seed)
    x = np.arange(24)
    return np.exp(-np.square(x - rng.uniform(3, 21, n)[:, None])) + rng.normal(0, 0.02, (n, 24))


def test_distances_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    x, reference = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)).astype(np.float32)
    expected = [min(np.linalg.norm(row - other) for other in reference) for row in x]
    np.testing.assert_allclose(nearest(x, reference), expected, atol=1e-7)


def test_nineteen_in_twenty_of_the_set_itself_pass():
    plausible = Plausible.calibrated(bars(500, 0), bars(500, 1))
    assert 0.92 < plausible(bars(2000, 2)).mean() < 0.975


def test_overlays_and_noise_do_not_pass():
    plausible = Plausible.calibrated(bars(500, 0), bars(500, 1))
    overlays = bars(300, 2) - bars(300, 3) + bars(300, 4)
    assert plausible(overlays).mean() < 0.2  # some of the bars lie over each other
    assert not plausible(np.random.default_rng(5).normal(size=(300, 24))).any()
