"""How often the intervals of a comparison cover, and how often it sees what is not there: `-m slow -s` prints it.

The quick run has fewer settings, fewer repetitions and wider bounds.
"""

import numpy as np
import pytest

from gan_probe.analysis import Context
from gan_probe.comparison import Contender
from gan_probe.comparison.difference import difference, is_share
from gan_probe.comparison.rows import compared
from gan_probe.measures.bins import Clusters, by_bins
from gan_probe.measures.frechet import Gaussian, frechet_influence
from gan_probe.measures.kernel import kernel_influence
from gan_probe.measures.pairs import between, within
from gan_probe.measures.rows import Rows
from gan_probe.measures.sample_set import RealSet
from gan_probe.report import Measure, Report


def measure(values, units="u", **more):
    return Measure("m", np.asarray(values, float), units=units, **more)


def shares(rng, n, p, q, same):
    """Pairs of 0 and 1, of which the share `same` are drawn from one number."""
    u = rng.random(n)
    return u < p, np.where(rng.random(n) < same, u, rng.random(n)) < q


# what is drawn, the true difference, and whether it is paired
KINDS = {
    "shares 0.7 and 0.6": (lambda r: shares(r, 200, 0.7, 0.6, 0.8), -0.1, True),
    "shares 0.02 and 0.03": (lambda r: shares(r, 500, 0.02, 0.03, 0.5), 0.01, True),
    "shares unpaired": (lambda r: shares(r, 150, 0.3, 0.4, 0), 0.1, False),
    "exponential": (lambda r: (r.exponential(1, 50), r.exponential(1.5, 50)), 0.5, True),
    "skewed differences": (lambda r: (np.zeros(200), r.lognormal(0, 0.8, 200)), float(np.exp(0.32)), True),
    "few": (lambda r: (r.normal(0, 1, 8), r.normal(1, 1, 8)), 1.0, True),
    "many": (lambda r: (r.exponential(1, 1500), r.exponential(1.1, 1500)), 0.1, True),
    "unequal sizes": (lambda r: (r.exponential(1, 80), r.exponential(1.2, 200)), 0.2, False),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("repeats", "least", "most"),
    [pytest.param(60, 0.85, 1.0, id="quick"), pytest.param(1500, 0.93, 0.98, id="full", marks=pytest.mark.slow)],
)
def test_intervals_of_differences_cover_the_true_one(kind, repeats, least, most):
    draw, truth, paired = KINDS[kind]
    covered = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        a, b = draw(rng)
        found = difference(*(both := (measure(a), measure(b, "u" if paired else "v"))), rng, all(map(is_share, both)))
        assert found.paired == paired
        covered += found.low <= truth <= found.high
    print(f"\n{kind}: {covered / repeats:.1%}")
    assert least <= covered / repeats <= most


NULLS = {
    "shares": lambda r: shares(r, 200, 0.7, 0.7, 0.8),
    "rare": lambda r: shares(r, 500, 0.02, 0.02, 0.3),
    "exponential": lambda r: (r.exponential(1, 40), r.exponential(1, 40)),
    "few": lambda r: (r.normal(0, 1, 8), r.normal(0, 1, 8)),
}


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("repeats", "most"),
    [pytest.param(60, 0.15, id="quick"), pytest.param(1500, 0.065, id="full", marks=pytest.mark.slow)],
)
def test_equal_checkpoints_rarely_differ(kind, paired, repeats, most):
    alarms = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        a, b = NULLS[kind](rng)
        alarms += (
            difference(*(both := (measure(a), measure(b, "u" if paired else "v"))), rng, all(map(is_share, both))).p
            <= 0.05
        )
    print(f"\n{kind}, {'paired' if paired else 'unpaired'}: {alarms / repeats:.1%}")
    assert alarms / repeats <= most


def quality(rng, real, same, scale=1.0):
    """FID, KID, precision, density and coverage of two generators against the same real images."""
    n, features = real.shape
    first = rng.standard_normal((n, features))
    second = scale * (same * first + np.sqrt(1 - same**2) * rng.standard_normal((n, features)))
    rows = Rows(real)
    fitted, inside, known = Gaussian.of(rows), within(rows, 1), RealSet(real)
    bins = Clusters(real, n // 20, np.random.default_rng(5)).of(real)
    found = {}
    for fake in (first, second):
        other = Rows(fake, rows.centre)
        pairs = between(rows, other, inside.nearest[:, 0], inside.nearest[:, 0])
        measured = known.measure(fake)
        for name, (value, of_real, of_fake) in (
            ("FID", frechet_influence(fitted, Gaussian.of(other))),
            ("KID", kernel_influence(inside, within(other, 1), pairs)),
        ):
            found.setdefault(name, []).append(measure(value + of_real + of_fake))
        found.setdefault("precision", []).append(measure(measured.balls > 0))
        found.setdefault("density", []).append(measure(measured.balls / 5))
        found.setdefault("coverage", []).append(measure(by_bins(measured.covered, bins)))
    return found


@pytest.mark.parametrize(
    ("n", "features", "same", "repeats", "most"),
    [
        (100, 5, 0.0, 30, 0.2),
        pytest.param(300, 5, 0.0, 300, 0.1, marks=pytest.mark.slow),
        pytest.param(300, 5, 0.9, 300, 0.1, marks=pytest.mark.slow),
        pytest.param(300, 30, 0.0, 300, 0.1, marks=pytest.mark.slow),
    ],
)
def test_generators_of_one_distribution_rarely_differ_in_quality(n, features, same, repeats, most):
    alarms = {}
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        for name, pair in quality(rng, rng.standard_normal((n, features)), same).items():
            alarms[name] = alarms.get(name, 0) + (difference(*pair, rng, all(map(is_share, pair))).p <= 0.05)
    print(
        f"\n{n} x {features}, {same:g} in common:", {name: f"{count / repeats:.1%}" for name, count in alarms.items()}
    )
    assert max(alarms.values()) / repeats <= most


def test_a_generator_of_too_little_spread_is_found_out_by_distance_and_coverage():
    rng = np.random.default_rng(0)
    found = quality(rng, rng.standard_normal((200, 5)), 0.9, scale=0.5)
    found = {name: difference(*pair, rng, all(map(is_share, pair))) for name, pair in found.items()}
    assert found["FID"].low > 0
    assert found["KID"].low > 0
    assert found["coverage"].high < 0
    assert found["density"].low > 0


@pytest.mark.parametrize(
    ("repeats", "most"),
    [pytest.param(40, 0.15, id="quick"), pytest.param(1000, 0.065, id="full", marks=pytest.mark.slow)],
)
def test_a_whole_comparison_of_equal_checkpoints_seldom_marks_any_difference(repeats, most):
    alarms = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        contenders = [
            Contender(
                f"c{i}",
                {
                    "a": Report(
                        measures=[Measure(f"m{k}", 1.0 * (rng.random(60) < 0.5), units="u") for k in range(2)]
                        + [Measure(f"s{k}", rng.normal(size=12), units="u") for k in range(2)]
                    )
                },
            )
            for i in range(4)
        ]
        marked = [row.verdict for one in compared(contenders, ["a"], Context(seed).rng) for row in one.rows]
        assert marked.count("no") + marked.count("differs") == 12
        alarms += "differs" in marked
    print(f"\nany of 12 marked: {alarms / repeats:.1%}")
    assert alarms / repeats <= most
