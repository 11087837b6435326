"""The pointing game: how often peaks of activation fall into the box of an object (Zhang et al. 2018)."""

from __future__ import annotations

import numpy as np

from gan_probe.errors import BadInputError


def pointing(points: np.ndarray, boxes: np.ndarray) -> tuple[int, float]:
    """How many points x, y (N, 2) lie in their image's box x0, y0, x1, y1 (N, 4), half-open, and how many by chance.

    Chance moves every point to each of the other images: what the objects' usual place and the points' alone would
    give. Raises BadInputError for fewer than two images.
    """
    n = len(points)
    if n < 2:
        raise BadInputError("pointing by chance needs at least two images with the object")
    x, y = points.T[:, :, None]  # (N, 1)
    x0, y0, x1, y1 = boxes.T
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)  # (N points, N boxes)
    hits = int(np.trace(inside))
    return hits, float(inside.sum() - hits) / (n - 1)
