"""The intervals of FID and KID cover, in simulation, what they say they cover; `-m slow -s` prints how often."""

import numpy as np
import pytest

from gan_probe.measures.sample_set import RealSet

REPEATS = 400


def standard(rng, n, features):
    return rng.standard_normal((n, features))


def scaled(rng, n, features):
    return 1.5 * rng.standard_normal((n, features))


def shifted(rng, n, features):
    return 0.5 + rng.standard_normal((n, features))


def mixed(rng, n, features):
    weights = np.random.default_rng([99, 99]).standard_normal((features, features)) / np.sqrt(features)
    return rng.standard_normal((n, features)) @ weights


def heavy(rng, n, features):
    return 1.3 * rng.standard_t(6, (n, features))


KINDS = (standard, scaled, shifted, mixed, heavy)
SIZES = ((300, 200, 5), (300, 200, 40), (100, 100, 200))
QUICK = [(scaled, 150, 100, 5), (mixed, 60, 80, 100), (standard, 100, 100, 8)]
FULL = [(kind, *sizes) for kind in KINDS for sizes in SIZES]


@pytest.mark.parametrize(
    ("kind", "n", "m", "features", "repeats"),
    [pytest.param(*setting, 150) for setting in QUICK]
    + [pytest.param(*setting, REPEATS, marks=pytest.mark.slow) for setting in FULL],
)
def test_intervals_of_fid_and_kid_cover_what_is_expected_at_these_sizes(kind, n, m, features, repeats):
    measured = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        measured.append(RealSet(standard(rng, n, features), k=1).measure(kind(rng, m, features)))
    for name in ("fid", "kid"):
        found = [getattr(one, name) for one in measured]
        expected = np.mean([one.value for one in found])
        covered = np.mean([one.low <= expected <= one.high for one in found])
        width = np.sqrt(np.mean([((one.high - one.low) / 3.92) ** 2 for one in found]))
        spread = np.std([one.value for one in found], ddof=1)
        print(f"\n{kind.__name__} {n} {m} {features} {name}: {covered:.1%}, error {width / spread:.2f} of the spread")
        assert covered >= 0.9
        if kind is not standard:  # where both sets have one distribution, they may be too wide
            assert 0.8 * spread < width < 1.6 * spread
