"""Nearest neighbours are those of a float64 brute force: near ties, streams, mapped files and every kind of number."""

import numpy as np
import pytest

from gan_probe import BadInputError
from gan_probe.neighbors import Search, nearest, products, search

KINDS = ("uint8", "float32", "float64", "float16")
SIZES = [(1, 1, 1, 1), (7, 20, 3, 20), (300, 700, 65, 5), (3, 9000, 33, 2)]


def brute_force(queries, rows, k):
    """In float64 from the differences, row by row; equally near ones by their index."""
    apart = np.stack([np.square(rows.astype(np.float64) - q).sum(1) for q in queries.astype(np.float64)])
    order = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(apart, order, 1), order


def vectors(n, width, kind, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 256, (n, width), np.uint8) if kind == "uint8" else rng.standard_normal((n, width)).astype(kind)
    )


@pytest.fixture(params=["as here", "in float32", "through torch"])
def device(request, monkeypatch):
    """Each way to multiply."""
    if request.param == "in float32":
        monkeypatch.setattr(products, "multiplies_bytes", lambda: False)
    return "cpu:0" if request.param == "through torch" else "cpu"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("n", "rows", "width", "k"), [(1, 1, 1, 1), (7, 20, 3, 20), (300, 700, 65, 5), (3, 9000, 33, 2)]
)
def test_they_are_those_of_brute_force(kind, n, rows, width, k, device):
    queries, data = vectors(n, width, kind, 1), vectors(rows, width, kind, 2)
    squared, indices = brute_force(queries, data, k)
    found = nearest(queries, data, k, device=device)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.squared, squared, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_of_equally_near_rows_the_first_come_first(kind, device):
    rows = np.repeat(vectors(40, 12, kind), 300, axis=0)[np.random.default_rng(1).permutation(12_000)]
    found = nearest(rows[:20], rows, 4, device=device)
    _, indices = brute_force(rows[:20], rows, 4)
    np.testing.assert_array_equal(found.indices, indices)
    assert (found.squared == 0).all()


def test_near_ties_that_float32_cannot_tell_apart_are_told_apart(device):
    rng = np.random.default_rng(0)
    base = rng.standard_normal(512) * 100
    rows = base + rng.standard_normal((500, 512)) * 1e-5  # far from the others' mean: float32 products lose it all
    rows = np.concatenate([rows, rng.standard_normal((500, 512)) * 100])
    queries = np.stack([base, -base])
    product = queries.astype(np.float32) @ rows.T.astype(np.float32)
    lost = (rows.astype(np.float32) ** 2).sum(1) - 2 * product
    _, indices = brute_force(queries, rows, 10)
    assert (np.argsort(lost, axis=1)[:, :10] != indices).any()  # or this is no trap
    np.testing.assert_array_equal(nearest(queries, rows, 10, device=device).indices, indices)


def test_numbers_whose_products_vanish_in_float32_are_ranked_all_the_same(device):
    rows = vectors(60, 7, "float64") * 1e-25
    np.testing.assert_array_equal(nearest(rows[:9], rows, 5, device=device).indices, brute_force(rows[:9], rows, 5)[1])


def test_the_largest_bytes_overflow_nothing(device):
    width = 4096
    queries = np.array([[0] * width, [255] * width, [0, 255] * (width // 2)], np.uint8)
    found = nearest(queries, queries, 3, device=device)
    assert found.squared[0].tolist() == [0, width // 2 * 255**2, width * 255**2]
    np.testing.assert_array_equal(found.indices, brute_force(queries, queries, 3)[1])


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_blocks_panels_and_threads_have_no_influence(kind, monkeypatch):
    queries, rows = vectors(150, 20, kind, 1), vectors(400, 20, kind, 2)
    whole = nearest(queries, rows, 3)
    for name, value in (("QUERIES", 7), ("MOST_ROWS", 17), ("PANEL", 50), ("PAIRS_BYTES", 1)):
        monkeypatch.setattr(search, name, value)
    found = nearest(queries, rows, 3)
    np.testing.assert_array_equal(found.indices, whole.indices)
    np.testing.assert_array_equal(found.squared, whole.squared)


def test_a_stream_is_seen_once_and_forgotten():
    queries, rows = vectors(30, 20, "uint8", 1), vectors(400, 20, "uint8", 2)
    stream = Search(queries, 2)
    assert (stream.found().indices == -1).all()
    for part in np.array_split(rows, 23):
        part = part.copy()
        stream.add(part)
        part[:] = 0
    np.testing.assert_array_equal(stream.found().indices, nearest(queries, rows, 2).indices)
    assert stream.seen == 400


def test_fewer_rows_than_neighbours_leave_infinity():
    stream = Search(vectors(2, 5, "float32"), 3)
    stream.add(vectors(1, 5, "float32", 1))
    assert stream.found().indices.tolist() == [[0, -1, -1]] * 2
    assert np.isinf(stream.found().squared[:, 1:]).all()


def test_rows_may_be_mapped_from_a_file(tmp_path):
    rows = vectors(500, 30, "uint8")
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    found = nearest(rows[:9], mapped, 2)
    np.testing.assert_array_equal(found.indices, nearest(rows[:9], rows, 2).indices)
    assert found.indices[:, 0].tolist() == list(range(9))


def test_progress_ends_at_all_rows():
    told = []
    nearest(vectors(5, 4, "uint8"), vectors(50, 4, "uint8"), progress=lambda *step: told.append(step))
    assert told[-1] == (50, 50, "nearest neighbours")


def test_what_cannot_be_compared_is_refused(refused):
    few, bad = vectors(3, 4, "float32"), np.full((3, 4), np.nan, np.float32)
    assert "NaN" in refused(nearest, bad, few)
    assert "NaN" in refused(nearest, few, bad)
    assert "like with like" in refused(nearest, few, vectors(3, 4, "uint8"))
    assert "like with like" in refused(nearest, few, vectors(3, 5, "float32"))
    assert "1 to 3" in refused(nearest, few, few, 4)
    assert "no queries" in refused(nearest, few[:0], few)
    assert "(N, F)" in refused(nearest, few[0], few)
    assert "at least one" in refused(Search, few, 0)
    for huge in (np.full((3, 4), 1e200), np.full((3, 4), 1e25, np.float32)):
        with pytest.raises(BadInputError, match="huge"):
            nearest(few, huge)
        with pytest.raises(BadInputError, match="huge"):
            nearest(huge * [[1], [2], [3]], few)


def test_bytes_are_multiplied_whole_only_where_that_loses_nothing(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: True)
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: (a.float() @ b.float()).clamp(-(2**15), 2**15 - 1).int())
    assert not products.multiplies_bytes.__wrapped__()
    monkeypatch.delattr(torch, "_int_mm")
    assert not products.multiplies_bytes.__wrapped__()
