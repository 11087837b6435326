"""Near-duplicates made on purpose: the truth that a search for duplicates is judged by."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

SHIFTS = ((1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1), (1, -1), (-1, 1))  # down, right; in pixels


def shifted(images: np.ndarray, pixels: int) -> np.ndarray:
    """Images (N, H, W, C) moved by that many pixels down, right or both, another way each; edges are repeated."""
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    moved = np.empty_like(images)
    for i, image in enumerate(padded):
        down, right = SHIFTS[i % len(SHIFTS)]
        top, left = pixels * (1 - down), pixels * (1 - right)
        moved[i] = image[top : top + height, left : left + width]
    return moved


def cropped(images: np.ndarray, pixels: int = 2) -> np.ndarray:
    """Images (N, H, W, C) less that many pixels on every side, enlarged to the old size."""
    height, width = images.shape[1:3]
    box = (pixels, pixels, width - pixels, height - pixels)
    return _each(images, lambda image: image.resize((width, height), Image.Resampling.BICUBIC, box=box))


def compressed(images: np.ndarray, quality: int = 75) -> np.ndarray:
    """Images (N, H, W, C) as JPEG of that quality gives them back."""

    def jpeg(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _each(images, jpeg)


def brightened(images: np.ndarray, factor: float = 1.2) -> np.ndarray:
    """Images (N, H, W, C) with every second one's values times `factor`, and the others' divided by it, clipped."""
    factors = np.where(np.arange(len(images)) % 2, 1 / factor, factor)[:, None, None, None]
    return np.asarray(np.clip(np.rint(images * factors), 0, 255), np.uint8)


def mirrored(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C), left for right."""
    return np.ascontiguousarray(images[:, :, ::-1])


EDITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shift by 1 px": lambda images: shifted(images, 1),
    "shift by 2 px": lambda images: shifted(images, 2),
    "shift by 3 px": lambda images: shifted(images, 3),
    "JPEG, quality 75": compressed,
    "brightness x 1.2 or / 1.2": brightened,
    "crop of 2 px a side": cropped,
    "mirror image": mirrored,
}


def _each(images: np.ndarray, edit: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    planes = images[..., 0] if images.shape[3] == 1 else images  # Pillow takes (H, W) or (H, W, 3)
    return np.stack([np.asarray(edit(Image.fromarray(plane))) for plane in planes]).reshape(images.shape)
