"""Boxes and the positions of a feature map: which lie inside, and which boxes a map of probabilities shows."""

from __future__ import annotations

import numpy as np


def coverage(boxes: np.ndarray, size: int) -> np.ndarray:
    """The share (N, size, size) of each position that its image's box covers, 0..1.

    `boxes` are x0, y0, x1, y1 (N, 4) in positions, half-open; a box of NaN covers nothing.
    """
    low = np.arange(size, dtype=np.float64)
    x0, y0, x1, y1 = (side[:, np.newaxis] for side in boxes.astype(np.float64).T)
    across = np.clip(np.minimum(low + 1, x1) - np.maximum(low, x0), 0, 1)  # (N, size)
    down = np.clip(np.minimum(low + 1, y1) - np.maximum(low, y0), 0, 1)
    return np.nan_to_num(down[:, :, np.newaxis] * across[:, np.newaxis, :])


def largest_boxes(maps: np.ndarray, smallest: int) -> np.ndarray:
    """The box x0, y0, x1, y1 (N, 4) around each map's largest connected patch, in positions; NaN for a lesser one.

    `maps` (N, H, W) are bool; a patch of fewer than `smallest` positions does not count. Sides touch, corners do not.
    """
    from scipy.ndimage import find_objects, label

    found = np.full((len(maps), 4), np.nan)
    for i, patch in enumerate(maps):
        labelled, count = label(patch)
        if not count:
            continue
        areas = np.bincount(labelled.ravel())[1:]
        if areas.max() < smallest:
            continue
        rows, columns = find_objects(labelled)[int(areas.argmax())]
        found[i] = columns.start, rows.start, columns.stop, rows.stop
    return found
