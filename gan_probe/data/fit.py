"""How images meet a model's size and channels: one rule, for files and arrays alike.

1. The orientation that EXIF states is applied.
2. Pixels become 8-bit grey or RGB. Transparency is flattened over white, as a page would show it; palettes, CMYK and
   other colour spaces are converted to RGB; 16-bit grey is scaled (v * 255 / 65535, rounded), never clipped. Images
   of floats or of 32-bit integers above 65535 state no range and are refused.
3. The largest centred square is cut out (at an odd margin, the half pixel goes to the right and bottom).
4. It is resized to the model's size by Pillow's bicubic filter, which is antialiased when it shrinks, and left
   untouched when the size fits already.
5. Colour becomes grey by luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B), grey becomes colour by repetition.

The result is uint8 in 0..255; `GAN.from_uint8` brings it into the model's value range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage


class UnreadableImageError(Exception):
    """An image that cannot be used; its message is the reason."""


def fit(image: PillowImage, image_size: int, channels: int) -> np.ndarray:
    """A decoded image as (image_size, image_size, channels) uint8; UnreadableImageError where the rule refuses."""
    ImageOps.exif_transpose(image, in_place=True)
    square = _resized(_centre_square(_eight_bit(image)), image_size).convert("L" if channels == 1 else "RGB")
    return np.asarray(square).reshape(image_size, image_size, channels)


def fit_arrays(images: np.ndarray, image_size: int, channels: int) -> np.ndarray:
    """Images (N, H, W, 1 or 3) uint8 as (N, image_size, image_size, channels) uint8, by the same rule."""
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images = images[:, top : top + side, left : left + side]
    if side != image_size:
        planes = images[..., 0] if images.shape[3] == 1 else images  # Pillow takes (H, W) or (H, W, 3)
        resized = [np.asarray(_resized(Image.fromarray(plane), image_size)) for plane in planes]
        images = np.stack(resized).reshape(len(images), image_size, image_size, images.shape[3])
    if images.shape[3] == 3 and channels == 1:
        return _luma(images)
    return np.repeat(images, channels // images.shape[3], axis=3)


def _eight_bit(image: PillowImage) -> PillowImage:
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableImageError("grey values outside 0..65535: save it with 8 or 16 bits")
        return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImageError("float values without a stated range: save it with 8 or 16 bits")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _centre_square(image: PillowImage) -> PillowImage:
    # cut before resizing: resizing a 1 x 10,000 strip to a shorter side of 64 would take 41 million pixels
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image if image.size == (side, side) else image.crop((left, top, left + side, top + side))


def _resized(square: PillowImage, image_size: int) -> PillowImage:
    return square if square.width == image_size else square.resize((image_size, image_size), Image.Resampling.BICUBIC)


def _luma(images: np.ndarray) -> np.ndarray:
    # Pillow's own fixed-point weights, so that an array and its PNG copy give the same grey
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)
    return ((images @ weights + 0x8000) >> 16).astype(np.uint8)[..., np.newaxis]
