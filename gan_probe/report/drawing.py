"""A figure as PNG for the page, and as PDF for a paper: of the same drawing, the same bytes every time."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure as MatplotlibFigure

from gan_probe.report.drawn import Drawn
from gan_probe.report.style import COLUMN, PAGE

if TYPE_CHECKING:
    from gan_probe.report.model import Figure

DPI = 250
SHOWN_SIDE = 800  # pixels: smaller pictures are enlarged, unsmoothed, so that their pixels can be seen
LARGEST_SIDE = 16_000  # pixels: beyond it no browser shows the picture
TALLEST = 8.5  # inches of a paper's page that a picture may take
FINEST = 100  # of a picture's own pixels to an inch, beyond which it takes both columns


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as PNG, without dates or versions; pixels below 800 a side are enlarged by a whole factor.

    Raises TypeError for content that is neither a matplotlib figure nor (H, W) or (H, W, 3) uint8, and ValueError for
    an empty or a monstrous picture.
    """
    content = figure.content
    if isinstance(content, Drawn):
        return _begun(content.png, b"\x89PNG\r\n\x1a\n")
    if isinstance(content, MatplotlibFigure):
        return _save(content, "png", dpi)
    return _encode(_pixels(content))


def pdf(figure: Figure) -> bytes:
    """The figure as a PDF of one page, without dates or versions; raises as `png` does.

    Charts keep their size, their lines and their text, which can be searched. Pixels are those of the PNG, lossless,
    3.25 inches wide or, where that is more than 325 pixels, 6.75: both columns of a paper.
    """
    content = figure.content
    if isinstance(content, Drawn):
        return _begun(content.pdf, b"%PDF-")
    if isinstance(content, MatplotlibFigure):
        return _save(content, "pdf")
    pixels = _pixels(content)
    height, width = pixels.shape[:2]
    across = PAGE if width > FINEST * COLUMN else COLUMN
    return _page(_encode(pixels), min(across, TALLEST * width / height))


def _begun(content: bytes, signature: bytes) -> bytes:
    if not isinstance(content, bytes) or not content.startswith(signature):
        raise ValueError(f"it was drawn before, but does not begin as {signature!r}")
    return content


def _save(figure: MatplotlibFigure, kind: str, dpi: float = DPI) -> bytes:
    width, height = figure.get_size_inches()
    if not max(width, height) * DPI <= LARGEST_SIDE:
        raise ValueError(f"it measures {width:.0f} x {height:.0f} inches; at most {LARGEST_SIDE // DPI} are allowed")
    nothing = {"png": ["Software"], "pdf": ["Creator", "Producer", "CreationDate"]}[kind]
    buffer = io.BytesIO()
    # fonttype 42: letters stay letters, as journals ask
    with warnings.catch_warnings(), rc_context({"pdf.fonttype": 42, "pdf.compression": 9}):
        # strangers' figures: where the font lacks a letter, a box stands for it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            buffer,
            format=kind,
            dpi=dpi,
            facecolor="white",
            transparent=False,
            bbox_inches=None if figure.get_layout_engine() else "tight",
            pad_inches=0.05,
            metadata=dict.fromkeys(nothing),
        )
    return buffer.getvalue()


def _pixels(content: object) -> np.ndarray:
    """The picture, enlarged by a whole factor where it is small."""
    if not isinstance(content, np.ndarray):
        raise TypeError(f"its content is {type(content).__name__}, not a matplotlib figure or a uint8 array")
    if content.dtype != np.uint8 or not (content.ndim == 2 or (content.ndim == 3 and content.shape[2] == 3)):
        raise TypeError(f"its pixels are {content.dtype} {content.shape}, not uint8 (H, W) or (H, W, 3)")
    if content.size == 0 or max(content.shape[:2]) > LARGEST_SIDE:
        raise ValueError(f"its size is {content.shape[0]} x {content.shape[1]}, not 1 to {LARGEST_SIDE} a side")
    return content


def _encode(pixels: np.ndarray) -> bytes:
    from PIL import Image

    factor = -(-SHOWN_SIDE // max(pixels.shape[:2]))
    enlarged = np.ascontiguousarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1))
    buffer = io.BytesIO()
    Image.fromarray(enlarged).save(buffer, format="PNG")
    return buffer.getvalue()


def _page(picture: bytes, across: float) -> bytes:
    """A PDF whose page, so many inches wide, is an 8-bit PNG without alpha: PDF reads PNG's own compressed rows."""
    width, height = struct.unpack(">II", picture[16:24])
    colours, space = (3, "RGB") if picture[25] == 2 else (1, "Gray")
    rows, at = b"", 8
    while at < len(picture):
        (size,) = struct.unpack(">I", picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            rows += picture[at + 8 : at + 8 + size]
        at += 12 + size
    points = 72 * across
    box = f"{points:.2f} {points * height / width:.2f}"
    drawn = zlib.compress(f"q {box.replace(' ', ' 0 0 ')} 0 0 cm /I Do Q".encode(), 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {box}] /Contents 4 0 R "
        "/Resources << /XObject << /I 5 0 R >> >> >>".encode(),
        _stream("/Filter /FlateDecode", drawn),
        _stream(
            f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /Device{space} "
            "/BitsPerComponent 8 /Interpolate false /Filter /FlateDecode "
            f"/DecodeParms << /Predictor 15 /Colors {colours} /BitsPerComponent 8 /Columns {width} >>",
            rows,
        ),
    ]
    text, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(text))
        text += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table, size = b"".join(b"%010d 00000 n \n" % offset for offset in offsets), len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n" % (size, table, size)
    return text + end + b"startxref\n%d\n%%%%EOF\n" % len(text)


def _stream(entries: str, content: bytes) -> bytes:
    return f"<< {entries} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
