"""Bytes to an image, with the checks that a stranger's file needs before it may cost memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from gan_probe.data.fit import UnreadableImageError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# Pixel formats only: Pillow's EPS reader would start Ghostscript.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_BYTES = 128 * 2**20
MAX_PIXELS = 2**26  # 8192 x 8192; decoded, flattened and cropped it takes under 1 GB
MAX_SCANS = 100
ANIMATION = "animated or of several pages: its first frame was used"
SIXTEEN_BIT = "16-bit grey, scaled to 8 bits"
TRANSPARENT = "transparent, flattened over white"


def open_image(content: bytes) -> PillowImage:
    """Read an image's header; UnreadableImageError for what is no image or claims too many pixels."""
    if not content:
        raise UnreadableImageError("empty file")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableImageError(_what_else(content)) from None
    # each scan passes over the whole picture: 1 MB of empty ones takes minutes; real progressive files have about 10
    if image.format == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
        raise UnreadableImageError(f"a JPEG of more than {MAX_SCANS} scans, which no camera writes")
    # the header's claim, before a single pixel is allocated
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableImageError(f"{image.width} x {image.height} pixels, more than the limit of {MAX_PIXELS:,}")
    return image


def load_first_frame(image: PillowImage) -> tuple[str, ...]:
    """Decode the pixels; returns remarks on what a reader might not expect. Pillow raises anything on damaged files."""
    remarks = []
    # not JPEG: phones append a second picture (MPO), which is no animation
    if image.format in ("GIF", "PNG", "WEBP", "TIFF") and getattr(image, "is_animated", False):
        remarks.append(ANIMATION)
    image.load()
    if image.mode.startswith("I"):
        remarks.append(SIXTEEN_BIT)
    elif image.has_transparency_data:
        remarks.append(TRANSPARENT)
    return tuple(remarks)


def _what_else(content: bytes) -> str:
    start = content[:200].lstrip().lower()
    if start.startswith(b"<"):
        return "HTML or XML, not an image"
    if start.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer: fetch the file with git lfs pull"
    return f"not an image ({', '.join(FORMATS)})"
