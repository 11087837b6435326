"""The measures of a sample set against the reference packages' code and formulas, and where the truth is planted."""

import numpy as np
import prdc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist

from gan_probe import BadInputError
from gan_probe.measures import frechet as frechet_module
from gan_probe.measures import rows as rows_module
from gan_probe.measures.kernel import kernel_distance_of_subsets
from gan_probe.measures.sample_set import RealSet, sample_set


def drawn(n, features=12, shift=0.0, scale=1.0, seed=0):
    rng = np.random.default_rng([seed, n])
    return (rng.standard_normal((n, features)) * scale + shift).astype(np.float32)


def torch_fidelity_fid(x, y):
    """As torch-fidelity computes it: scipy's square root of the covariances' product."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(0) - y.mean(0)
    return shift @ shift + np.trace(first) + np.trace(second) - 2 * np.trace(sqrtm(first @ second).real)


def symmetric_fid(x, y):
    """By symmetric square roots, which singular covariances have, too; scipy's `sqrtm` may refuse their product."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    crossed = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    shift = x.mean(0) - y.mean(0)
    return shift @ shift + np.trace(first) + np.trace(second) - 2 * crossed


def unbiased_mmd2(x, y):
    """Bińkowski's estimator, term by term."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    n, m = len(x), len(y)
    own, other, crossed = (((a @ b.T) / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    own = (own.sum() - np.trace(own)) / (n * (n - 1))
    return own + (other.sum() - np.trace(other)) / (m * (m - 1)) - 2 * crossed.mean()


@pytest.fixture
def small_blocks(monkeypatch):
    """Many tiles of uneven size, so that nothing rests on a set that fits into one."""
    monkeypatch.setattr(rows_module, "BLOCK", 64)
    monkeypatch.setattr(frechet_module, "BLOCK", 64)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(7, 200),
    m=st.integers(7, 200),
    features=st.integers(1, 40),
    k=st.integers(1, 5),
    shift=st.sampled_from([0.0, 0.3, 3.0]),
    offset=st.sampled_from([0.0, 100.0]),
)
def test_precision_recall_density_coverage_equal_naeems_package(n, m, features, k, shift, offset):
    real, fake = drawn(n, features, offset), drawn(m, features, offset + shift, seed=1)
    expected = prdc.compute_prdc(real.astype(np.float64), fake.astype(np.float64), nearest_k=k)
    found = RealSet(real, k).measure(fake)
    assert {name: getattr(found, name).value for name in expected} == pytest.approx(expected)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("n", "m", "features"), [(300, 200, 20), (500, 130, 100), (70, 70, 64)])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_fid_equals_torch_fidelitys_formula(n, m, features, offset):
    x, y = drawn(n, features, offset), drawn(m, features, offset + 0.2, 1.3, seed=1)
    assert RealSet(x).measure(y).fid.value == pytest.approx(torch_fidelity_fid(x, y), rel=1e-9)


@pytest.mark.parametrize("features", [50, 400])
def test_fid_is_exact_where_features_outnumber_samples(features):
    x, y = drawn(30, features), drawn(40, features, 0.1, 2.0, seed=1)
    known = symmetric_fid(x, y)
    assert RealSet(x).measure(y).fid.value == pytest.approx(known, rel=1e-6)


def test_fid_of_known_gaussians_is_found_in_many_samples():
    x, y = drawn(4000, 4), drawn(4000, 4, shift=1.0, scale=2.0, seed=1)
    assert RealSet(x).measure(y).fid.value == pytest.approx(4 * (1 + (2 - 1) ** 2), rel=0.05)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("n", "m", "features"), [(150, 90, 12), (70, 200, 300), (5, 7, 2)])
def test_kid_over_whole_sets_equals_the_unbiased_estimator(n, m, features):
    x, y = drawn(n, features, 1.0), drawn(m, features, 1.3, seed=1)
    assert RealSet(x, k=2).measure(y).kid.value == pytest.approx(unbiased_mmd2(x, y), rel=1e-9)


def test_kids_interval_is_that_of_leaving_out_each_sample_in_turn():
    x, y = drawn(12, 3, 1.0), drawn(9, 3, 1.3, seed=1)
    variance = 0.0
    for without in (
        [unbiased_mmd2(np.delete(x, i, 0), y) for i in range(12)],
        [unbiased_mmd2(x, np.delete(y, i, 0)) for i in range(9)],
    ):
        variance += (len(without) - 1) * np.var(without)
    kid = RealSet(x).measure(y).kid
    assert (kid.high - kid.low) / 2 == pytest.approx(1.96 * np.sqrt(variance))
    assert kid.method == "jackknife"


def test_kid_of_subsets_equals_torch_fidelitys_loop():
    x, y = drawn(80, 6), drawn(90, 6, 0.2, seed=1)
    rng = np.random.default_rng(5)
    values = []
    for _ in range(7):
        first, second = x[rng.choice(80, 30, replace=False)], y[rng.choice(90, 30, replace=False)]
        values.append(unbiased_mmd2(first, second))
    found = kernel_distance_of_subsets(x, y, np.random.default_rng(5), subsets=7, size=30)
    assert found == pytest.approx((np.mean(values), np.std(values)))


@pytest.mark.usefixtures("small_blocks")
def test_distances_within_are_scipys():
    x, y = drawn(150, 5, 10.0), drawn(170, 5, 10.0, 2.0, seed=1)
    found = RealSet(x).measure(y)
    own, other = pdist(x), pdist(y)
    assert found.distance == pytest.approx(other.mean() / own.mean(), rel=1e-6)
    assert found.median_distance == pytest.approx(np.median(other) / np.median(own), rel=1e-3)


def test_duplicates_are_those_nearer_than_one_real_pair_in_a_hundred():
    real, fake = drawn(400, 3), drawn(400, 3, seed=1)
    nearest = [np.sort(cdist(rows, rows))[:, 1] for rows in (real, fake)]
    expected = (nearest[1] <= np.quantile(nearest[0], 0.01, method="lower")).mean()
    assert 0 < RealSet(real).measure(fake).duplicates.value == expected


@pytest.mark.parametrize(("n", "m"), [(500, 2000), (2000, 500), (1000, 1000)])
def test_a_set_without_planted_duplicates_has_about_one_in_a_hundred_at_any_size(n, m):
    found = RealSet(drawn(n, 4)).measure(drawn(m, 4, seed=1)).duplicates
    assert found.low <= 0.01 <= found.high
    assert found.value < 0.03


def test_planted_duplicates_are_counted():
    fake = drawn(1000, 8, seed=1)
    fake[:200] = fake[200:400] + 1e-4 * drawn(200, 8, seed=2)
    found = RealSet(drawn(1000, 8)).measure(fake).duplicates
    assert found.value == pytest.approx(0.4, abs=0.02)
    assert found.low < 0.4 < found.high


def test_real_against_real_is_the_reference_and_moves_with_the_sizes():
    real, held, fake = drawn(800, 8), drawn(700, 8, seed=2), drawn(300, 8, seed=1)
    found = sample_set(real, fake, held)
    assert found.reference.n == found.samples.n == 300
    assert found.samples.fid.value == pytest.approx(found.reference.fid.value, rel=0.3)
    assert (
        RealSet(real[:100]).measure(fake[:100]).fid.value > 2 * found.samples.fid.value
    )  # FID's bias, which the reference shares
    for name in ("precision", "recall", "density", "coverage", "kid"):
        mine, theirs = getattr(found.samples, name), getattr(found.reference, name)
        assert mine.low <= theirs.high
        assert theirs.low <= mine.high


def planted(modes, n, seed):
    """Samples of a mixture of well separated modes."""
    rng = np.random.default_rng(seed)
    centres = 10 * np.eye(10, dtype=np.float32)
    return centres[rng.choice(modes, n)] + rng.standard_normal((n, 10)).astype(np.float32)


def test_lost_modes_cost_recall_and_coverage_and_not_precision():
    real, held = planted(10, 1000, 0), planted(10, 1000, 1)
    found = sample_set(real, planted(3, 1000, 2), held)
    lost, whole = found.samples, found.reference
    assert lost.precision.value == pytest.approx(whole.precision.value, abs=0.05)
    assert whole.recall.value > 0.85
    assert 0.2 < lost.recall.value < 0.31
    assert 0.2 < lost.coverage.value < 0.31
    assert lost.fid.value > 20 * whole.fid.value
    assert lost.kid.low > whole.kid.high
    assert lost.distance < 0.95 < whole.distance


def test_noise_costs_precision_and_not_recall():
    real = planted(10, 1000, 0)
    noisy = planted(10, 1000, 2)
    noisy[::2] += drawn(500, 10, scale=30.0)
    found = RealSet(real).measure(noisy)
    assert found.precision.value == pytest.approx(0.5, abs=0.06)
    assert found.recall.value > 0.85


def test_few_samples_repeated_show_in_duplicates_recall_and_coverage():
    real = planted(10, 1000, 0)
    found = sample_set(real, planted(10, 50, 2)[np.arange(1000) % 50], planted(10, 1000, 3))
    assert found.samples.duplicates.value == 1
    assert found.reference.duplicates.value < 0.03
    assert found.samples.recall.value == 0  # each ball of equal samples is empty
    assert found.samples.coverage.value < 0.4 < found.reference.coverage.value
    assert found.samples.precision.value > 0.85


@pytest.mark.filterwarnings("error")
def test_one_sample_repeated_is_a_whole_collapse_and_no_error():
    real = drawn(100, 6, 5.0)
    found = RealSet(real).measure(np.repeat(real[:1], 50, axis=0))
    assert found.duplicates.value == 1
    assert found.distance == found.median_distance == 0
    assert found.recall.value == 0
    assert found.fid.value > 1


def test_a_copy_of_the_real_set_is_inside_it_and_its_neighbours_lie_on_the_edge():
    real = drawn(300, 6, 100.0)
    found = RealSet(real).measure(real)
    assert found.precision.value == found.recall.value == found.coverage.value == 1
    assert found.density.value == 1  # k neighbours, less the one on the edge, and the sample itself
    assert found.fid.value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("size", [1e6, 1e15])
@pytest.mark.parametrize("side", [0, 1])
def test_one_row_far_off_hides_nothing_of_the_others(side, size):
    sets = drawn(500, 6), drawn(500, 6, seed=1)
    plain = RealSet(sets[0]).measure(sets[1])
    sets[side][7] = size
    found = RealSet(sets[0]).measure(sets[1])
    for name in ("precision", "recall", "density", "coverage", "duplicates"):
        # a far row's own ball holds nearly all of the others
        assert getattr(found, name).value == pytest.approx(getattr(plain, name).value, abs=0.2), name
    assert found.duplicates.value < 0.03


def test_real_images_that_are_all_equal_have_no_scale():
    found = RealSet(np.ones((20, 3), np.float32)).measure(drawn(20, 3))
    assert found.distance is None
    assert found.precision.value == 0


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (drawn(5), drawn(50), "5 samples are too few"),
        (drawn(50), drawn(4), "4 samples are too few"),
        (drawn(50), drawn(50, 11), "12 and 11 dimensions|11 and 12 dimensions"),
        (drawn(50), np.full((50, 12), np.nan, np.float32), "NaN or infinite"),
        (np.full((50, 12), np.inf, np.float32), drawn(50), "NaN or infinite"),
        (drawn(50)[0], drawn(50), "pass floating-point numbers"),
        (drawn(50), np.zeros((50, 12), np.uint8), "pass floating-point numbers"),
        (drawn(50), np.zeros((0, 12), np.float32), "pass floating-point numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(real, fake, message):
    with pytest.raises(BadInputError, match=message) as error:
        sample_set(real, fake)
    assert len(str(error.value)) <= 200


def test_too_few_held_out_images_are_refused():
    with pytest.raises(BadInputError, match="10 held-out images"):
        sample_set(drawn(50), drawn(20), drawn(10))


def test_subsets_larger_than_a_set_are_refused():
    with pytest.raises(BadInputError, match="subsets of 1000 samples"):
        kernel_distance_of_subsets(drawn(50), drawn(50), np.random.default_rng(0))
