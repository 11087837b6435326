"""Pictures one after the other, as one animation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST = 2000  # milliseconds that the last frame stays
STRIP = 18  # pixels under the picture, for its caption
NARROWEST = 240  # pixels: narrower frames are enlarged


def webp(frames: Sequence[np.ndarray], captions: Sequence[str] = (), milliseconds: int = 120) -> bytes:
    """Frames (H, W, 3) uint8, at least one, as an endless WebP; captions, one a frame, are written under each.

    Frames narrower than 240 pixels are enlarged, unsmoothed, by a whole factor; the last one stays for two seconds.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(13)
    pictures = []
    for i, frame in enumerate(frames):
        factor = max(1, -(-NARROWEST // frame.shape[1]))
        enlarged = frame.repeat(factor, axis=0).repeat(factor, axis=1)
        strip = STRIP if captions else 0
        picture = Image.fromarray(np.pad(enlarged, ((0, strip), (0, 0), (0, 0)), constant_values=255))
        if captions:
            ImageDraw.Draw(picture).text((4, enlarged.shape[0] + 1), captions[i], fill="#222222", font=font)
        pictures.append(picture)
    buffer = io.BytesIO()
    times = [milliseconds] * (len(pictures) - 1) + [LAST]
    pictures[0].save(
        buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=80, method=2
    )
    return buffer.getvalue()
