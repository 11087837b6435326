"""Overlay: spectra that shifts leave alone, agreement, the limit, groups."""

import numpy as np
import pytest

from gan_probe.duplicates.groups import components, led_by_first, left_out
from gan_probe.duplicates.planted import EDITS, brightened, compressed, mirrored, shifted
from gan_probe.duplicates.registration import agreement
from gan_probe.duplicates.search import NearDuplicates, limit_of
from gan_probe.duplicates.spectra import descriptors, nearest, whitening


def diagonal(n):
    return np.stack([np.arange(n)] * 2, axis=1)


@pytest.mark.parametrize(("n", "k"), [(40, 8), (3000, 8), (5, 8), (1, 3)])
def test_the_nearest_are_those_of_a_full_sort(n, k):
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, 6)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    closeness = rows @ rows.T
    np.fill_diagonal(closeness, -2)
    found = nearest(rows, rows, k, own=np.arange(n))
    kept = min(k, n - 1)
    assert found.shape == (n * kept, 2)
    expected = np.argsort(-closeness, axis=1, kind="stable")[:, :kept]
    np.testing.assert_array_equal(found[:, 1].reshape(n, kept), expected)


def test_spectra_of_a_shifted_image_stay_nearer_than_pixels_do(rooms):
    found = descriptors(rooms)
    rows = whitening(found)(found)
    moved = whitening(found)(descriptors(shifted(rooms, 2)))
    np.testing.assert_array_equal(nearest(moved, rows, 1)[:, 1], np.arange(len(rooms)))
    flat, flat_moved = (x.reshape(len(x), -1).astype(np.float32) for x in (rooms, shifted(rooms, 2)))
    flat, flat_moved = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (flat, flat_moved))
    assert (nearest(flat_moved, flat, 1)[:, 1] == np.arange(len(rooms))).mean() < 0.98


def test_agreement_is_one_for_a_copy_and_the_plain_correlation_where_nothing_is_shifted(rooms):
    pairs = diagonal(len(rooms))
    assert agreement(rooms, rooms, pairs).min() > 0.99
    assert agreement(rooms, np.roll(rooms, 1, axis=0), pairs).mean() < 0.5  # other rooms
    a, b = rooms, compressed(rooms, 30)
    colour = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a.astype(float), b.astype(float), strict=True)]
    assert (agreement(a, b, pairs) <= np.array(colour) + 1e-3).all()  # the lower of two counts


@pytest.mark.parametrize("pixels", [1, 2, 3])
def test_agreement_undoes_a_shift_and_a_brightness(rooms, pixels):
    pairs = diagonal(len(rooms))
    assert np.quantile(agreement(rooms, shifted(rooms, pixels), pairs), 0.05) > 0.9
    assert np.quantile(agreement(rooms, brightened(rooms, 1.1), pairs), 0.05) > 0.95
    beyond = agreement(rooms, shifted(rooms, 9), pairs)  # control: further than it looks
    assert np.median(beyond) < 0.8


def test_flat_images_agree_with_none_but_equal_ones_are_duplicates():
    rng = np.random.default_rng(0)
    flat = np.full((6, 32, 32, 3), 90, np.uint8) + np.arange(6, dtype=np.uint8)[:, None, None, None]
    flat[1] = flat[0]
    assert np.abs(agreement(flat, flat, np.array([[0, 1], [2, 3]]))).max() < 0.01
    images = np.concatenate([flat, rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)])
    assert [g.tolist() for g in NearDuplicates(images).groups()] == [[0, 1]]


def test_the_limit_rises_with_what_is_usual_in_a_set_and_duplicates_do_not_move_it():
    rng = np.random.default_rng(0)
    photographs, drawings = np.tanh(rng.normal(0.3, 0.1, 5000)), np.tanh(rng.normal(1.2, 0.15, 5000))
    assert limit_of(photographs) == 0.88
    assert limit_of(drawings) == pytest.approx(np.tanh(1.2 + 3.5 * 0.15), abs=0.01)
    with_copies = np.r_[drawings, np.full(4000, 0.999)]
    assert limit_of(with_copies) == pytest.approx(limit_of(drawings), abs=0.01)
    assert limit_of(np.full(10, 0.999)) == 0.97


def test_planted_copies_are_found_and_little_else(rooms):
    """The constructed sample: rooms drawn independently, and one copy each of 90 of them."""
    kinds = ("shift by 1 px", "JPEG, quality 75", "brightness x 1.2 or / 1.2")
    copies = np.concatenate([EDITS[kind](rooms[30 * i : 30 * i + 30]) for i, kind in enumerate(kinds)])
    search = NearDuplicates(np.concatenate([rooms, copies]))
    out = left_out(search.groups())
    truth = {(i, 600 + i) for i in range(90)}
    found = {tuple(pair) for pair in out.tolist()}
    assert len(found & truth) >= 0.95 * 90
    assert len(found - truth) <= 0.01 * len(found)


def test_mirror_images_are_duplicates_and_images_turned_upside_down_are_not(rooms):
    rooms = rooms[:150]
    search = NearDuplicates(rooms)
    pairs, agreements = search.matches(mirrored(rooms))
    own = pairs[:, 0] == pairs[:, 1]
    assert own.sum() == len(rooms)
    assert (agreements[own] > 0.99).all()
    upside_down = np.ascontiguousarray(rooms[:, ::-1, ::-1])
    assert len(search.matches(upside_down)[0]) == 0
    assert search.closest(upside_down).max() < search.limit


def test_pairs_connect_into_components_as_networkless_search_does():
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 200, (90, 2))
    label = np.arange(200)
    for _ in range(200):  # the smallest label spreads along the pairs
        for a, b in pairs:
            label[[a, b]] = min(label[a], label[b])
    expected = [np.flatnonzero(label == k).tolist() for k in np.unique(label) if (label == k).sum() > 1]
    assert [c.tolist() for c in components(200, pairs) if len(c) > 1] == expected
    assert components(5, np.empty((0, 2), np.int64)) == []


def test_a_chain_is_cut_where_it_no_longer_agrees_with_the_first():
    groups = led_by_first(np.array([0, 1, 2, 3, 9]), lambda first, others: np.abs(others - first) <= 1)
    assert [g.tolist() for g in groups] == [[0, 1], [2, 3]]
    assert left_out(groups).tolist() == [[0, 1], [2, 3]]
    assert left_out([]).shape == (0, 2)
