"""A - B + C over exemplars, in latents and in pixels (Radford et al. 2015, section 6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

REACH = 0.25  # the paper's neighbours: y + uniform(-0.25, 0.25)


def signed_sum(values: Sequence[np.ndarray]) -> np.ndarray:
    """mean(A) - mean(B) + mean(C) of three arrays (R, k, ...), each with its own k, as (R, ...) float64."""
    a, b, c = (array.mean(axis=1, dtype=np.float64) for array in values)
    return np.asarray(a - b + c)


def pixel_sum(images: Sequence[np.ndarray]) -> np.ndarray:
    """The same of three arrays of images (R, k, H, W, C) uint8, clipped to what a pixel can hold, as (R, H, W, C)."""
    clipped: np.ndarray = np.clip(np.rint(signed_sum(images)), 0, 255).astype(np.uint8)
    return clipped


def rescaled(y: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Latents y (R, Z) brought to the root mean square length of `like` (N, Z), all by one factor."""
    return np.asarray(y * np.sqrt(np.square(like).sum(1).mean() / np.square(y).sum(1).mean()))


def neighbours(y: np.ndarray, rng: np.random.Generator, reach: float = REACH) -> np.ndarray:
    """Each latent of y (R, Z) amid 8 neighbours, y + uniform(-reach, reach), as (R, 9, Z); y itself is number 4."""
    around = y[:, None] + rng.uniform(-reach, reach, (len(y), 9, y.shape[1]))
    around[:, 4] = y
    return np.asarray(around)
