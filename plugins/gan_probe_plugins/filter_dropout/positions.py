"""Boxes and the positions of a feature map: which lie inside, and which boxes a map of positions shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def coverage(boxes: np.ndarray, size: int) -> np.ndarray:
    """The share (K, size, size) of each position that each box covers, 0..1.

    `boxes` are x0, y0, x1, y1 (K, 4) in positions, half-open; a box of NaN covers nothing.
    """
    low = np.arange(size, dtype=np.float64)
    x0, y0, x1, y1 = (side[:, np.newaxis] for side in boxes.astype(np.float64).T)
    across = np.clip(np.minimum(low + 1, x1) - np.maximum(low, x0), 0, 1)  # (K, size)
    down = np.clip(np.minimum(low + 1, y1) - np.maximum(low, y0), 0, 1)
    return np.asarray(np.nan_to_num(down[:, :, np.newaxis] * across[:, np.newaxis, :]))


def covered(boxes: Sequence[np.ndarray], image_size: int, size: int) -> np.ndarray:
    """How far each position (N, size, size) lies in some box of its image, 0..1, boxes (K, 4) in pixels."""
    scale = size / image_size
    return np.stack([coverage(own * scale, size).max(axis=0, initial=0) for own in boxes])


def patches(mask: np.ndarray, smallest: int) -> np.ndarray:
    """The boxes x0, y0, x1, y1 (K, 4), in positions, around the connected patches of a mask (H, W).

    Patches of fewer than `smallest` positions do not count; positions touch by their sides, not by their corners.
    """
    from scipy.ndimage import find_objects, label

    labelled, _ = label(mask)
    areas = np.bincount(labelled.ravel())[1:]
    found = [
        (columns.start, rows.start, columns.stop, rows.stop)
        for (rows, columns), area in zip(find_objects(labelled), areas, strict=True)
        if area >= smallest
    ]
    return np.array(found, dtype=np.float64).reshape(-1, 4)
