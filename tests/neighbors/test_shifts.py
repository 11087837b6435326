"""Copies shifted by a few pixels are at distance 0, where pixels in their places find them far."""

import numpy as np

from gan_probe.neighbors import Neighbors, best_of, nearest, nearest_shifted, shifted


def pictures(n, side=12, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), np.uint8)


def moved(images, y, x):
    """By so many pixels, with new ones at the edge."""
    new = pictures(len(images), images.shape[1], images.shape[3], seed=9)
    side = images.shape[1]
    to = [slice(max(0, d), min(side, side + d)) for d in (y, x)]
    of = [slice(max(0, -d), min(side, side - d)) for d in (y, x)]
    new[:, to[0], to[1]] = images[:, of[0], of[1]]
    return new


def by_hand(query, images, reach):
    """The squared distance to each image at the best shift."""
    side = images.shape[1]
    middles = images[:, reach : side - reach, reach : side - reach].astype(np.float64)
    size = side - 2 * reach
    windows = [query[y : y + size, x : x + size] for y in range(2 * reach + 1) for x in range(2 * reach + 1)]
    return np.min([np.square(middles - w).sum((1, 2, 3)) for w in windows], axis=0)


def test_every_shift_within_reach_is_found_and_none_beyond():
    images = pictures(40)
    for y in range(-3, 4):
        for x in range(-3, 4):
            found = nearest_shifted(moved(images[:3], y, x), images, 1, 2)
            inside = max(abs(y), abs(x)) <= 2
            assert (found.squared[:, 0] == 0).all() == inside
            assert not inside or found.indices[:, 0].tolist() == [0, 1, 2]


def test_pixels_in_their_places_miss_a_shift():
    images = pictures(40)
    copies = moved(images[:3], 1, 1)
    found = nearest(copies.reshape(3, -1), images.reshape(40, -1))
    assert (found.squared > 0.5 * np.square(images[:3] - images[3:6].astype(float)).sum((1, 2, 3)).min()).all()


def test_distances_and_neighbours_are_those_of_the_best_shift():
    queries, images = pictures(6, seed=1), np.concatenate([pictures(20), pictures(20)[:2]])  # the last two are doubled
    found = nearest_shifted(queries, images, 5, 2)
    for i, query in enumerate(queries):
        apart = by_hand(query, images, 2)
        order = np.argsort(apart, kind="stable")[:5]
        np.testing.assert_array_equal(found.indices[i], order)
        np.testing.assert_array_equal(found.squared[i], apart[order])


def test_images_too_small_to_shift_are_refused(refused):
    assert "cannot be shifted" in refused(nearest_shifted, pictures(2, 4), pictures(2, 4), 1, 2)
    assert "cannot be shifted" in refused(nearest_shifted, pictures(2, 12), pictures(2, 13), 1, 2)


def test_all_shifts_repeat_the_edge():
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    found = [part[0, :, :, 0].tolist() for part in shifted(image, 1)]
    assert len(found) == 9
    assert found[0] == [[0, 0, 1], [0, 0, 1], [3, 3, 4]]
    assert found[4] == image[0, :, :, 0].tolist()
    assert found[8] == [[4, 5, 5], [7, 8, 8], [7, 8, 8]]


def test_the_best_of_searches_counts_a_row_once():
    first = Neighbors(np.array([[1.0, 4.0]]), np.array([[7, 2]]))
    second = Neighbors(np.array([[0.5, 2.0]]), np.array([[7, 3]]))
    found = best_of([first, second], 2)
    assert found.squared.tolist() == [[0.5, 2.0]]
    assert found.indices.tolist() == [[7, 3]]


def test_the_best_of_nothing_is_refused(refused):
    assert "no searches" in refused(best_of, [])
