"""Pictures of the same latents over training as one animation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLISECONDS = 120  # a frame; the last stays for two seconds
STRIP = 18  # pixels under the picture, for the step


def animation(frames: Mapping[int, np.ndarray]) -> bytes:
    """Frames (H, W, 3) uint8 by step as an endless WebP, the step written under each; at least one frame.

    Frames narrower than 240 pixels are enlarged, unsmoothed, by a whole factor.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    pictures = []
    for step in sorted(frames):
        frame = frames[step]
        factor = max(1, -(-240 // frame.shape[1]))
        enlarged = frame.repeat(factor, axis=0).repeat(factor, axis=1)
        picture = Image.fromarray(np.pad(enlarged, ((0, STRIP), (0, 0), (0, 0)), constant_values=255))
        ImageDraw.Draw(picture).text((4, enlarged.shape[0] + 1), f"step {step:,}", fill="#222222", font=font)
        pictures.append(picture)
    buffer = io.BytesIO()
    times = [MILLISECONDS] * (len(pictures) - 1) + [2000]
    pictures[0].save(
        buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=80, method=2
    )
    return buffer.getvalue()
