"""The pointing game: peaks in boxes, and how many would be there by chance."""

import numpy as np
import pytest

from gan_probe import BadInputError
from gan_probe.measures.pointing import pointing


def test_hits_and_chance_are_counted_by_brute_force():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 32, (40, 2))
    corner = rng.uniform(0, 20, (40, 2))
    boxes = np.concatenate([corner, corner + 10], axis=1)

    def inside(point, box):
        return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]

    pairs = [[inside(p, b) for b in boxes] for p in points]
    hits, chance = pointing(points, boxes)
    assert hits == sum(pairs[i][i] for i in range(40))
    assert chance == pytest.approx(sum(pairs[i][j] for i in range(40) for j in range(40) if i != j) / 39)


def test_peaks_that_follow_the_object_beat_chance_and_peaks_that_stay_do_not():
    rng = np.random.default_rng(1)
    corner = rng.integers(0, 24, (200, 2)).astype(float)
    boxes = np.concatenate([corner, corner + 8], axis=1)
    hits, chance = pointing(corner + 4, boxes)
    assert hits == 200
    assert chance < 80
    hits, chance = pointing(np.full((200, 2), 16.0), boxes)
    assert abs(hits - chance) < 1


def test_one_image_has_no_chance():
    with pytest.raises(BadInputError, match="two images"):
        pointing(np.zeros((1, 2)), np.array([[0.0, 0, 1, 1]]))
