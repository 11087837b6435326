from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
import warnings
import zlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from gan_probe.report import Figure
from gan_probe.report.drawing import pdf, png
from gan_probe.report.figures import confusion_chart, interval_chart


def pixels_of(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def chart() -> Figure:
    return Figure("f", interval_chart(["trained", "random"], [0.1, 0.2], [0.05, 0.1], [0.2, 0.3], "accuracy", ".1%"))


def page_size(content: bytes) -> tuple[float, float]:
    """Inches."""
    box = re.search(rb"/MediaBox ?\[ ?0 0 ([0-9.]+) ([0-9.]+) ?\]", content)
    assert box is not None
    return float(box[1]) / 72, float(box[2]) / 72


def picture_in(content: bytes) -> np.ndarray:
    """The pixels of the only image in a PDF, by way of a PNG around the same compressed rows."""
    found = re.search(
        rb"/Width (\d+) /Height (\d+) /ColorSpace /Device(\w+).*?/Length (\d+) >>\nstream\n", content, re.S
    )
    assert found is not None
    rows = content[found.end() : found.end() + int(found[4])]
    head = struct.pack(">IIBBBBB", int(found[1]), int(found[2]), 8, 2 if found[3] == b"RGB" else 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    )
    return pixels_of(b"\x89PNG\r\n\x1a\n" + chunks)


def test_small_pixels_are_enlarged_by_a_whole_factor_and_unsmoothed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3, 150, 3)).astype(np.uint8)
    enlarged = pixels_of(png(Figure("f", picture)))
    assert enlarged.shape == (18, 900, 3)
    np.testing.assert_array_equal(enlarged[::6, ::6], picture)
    np.testing.assert_array_equal(enlarged[5::6, 5::6], picture)


def test_large_and_grey_pixels_stay_as_they_are() -> None:
    picture = np.arange(900 * 2, dtype=np.uint32).reshape(900, 2).astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(png(Figure("f", picture))), picture)


def test_the_same_figure_gives_the_same_bytes() -> None:
    for draw in (png, pdf):
        figure = chart()
        first = draw(figure)
        assert first == draw(figure) == draw(chart())
        for unwanted in (b"tEXt", b"Date", b"/Producer", b"/Creator", mpl.__version__.encode()):
            assert unwanted not in first


def test_drawing_leaves_the_global_style_alone_and_does_not_depend_on_it() -> None:
    before = dict(mpl.rcParams)
    first = png(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"])))
    printed = pdf(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"])))
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.size": 30, "axes.spines.top": True, "savefig.transparent": True, "text.color": "red"}):
        assert png(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"]))) == first
        assert pdf(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"]))) == printed


def test_a_chart_is_printed_at_its_size_with_text_as_text(tmp_path: Path) -> None:
    figure = chart()
    content = pdf(figure)
    assert isinstance(figure.content, MatplotlibFigure)
    assert page_size(content) == pytest.approx(tuple(figure.content.get_size_inches()), abs=0.01)
    assert b"/FontFile2" in content  # TrueType, whole letters
    assert b"/Type3" not in content
    assert b"/Subtype /Image" not in content  # lines, not pixels
    if shutil.which("pdftotext"):
        (tmp_path / "f.pdf").write_bytes(content)
        command = ["pdftotext", "f.pdf", "-"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert {"trained", "random", "accuracy", "10.0%"} <= set(done.stdout.split())


@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40), (900, 2)])
def test_pixels_are_printed_as_they_are_in_the_png(shape: tuple[int, ...]) -> None:
    figure = Figure("f", np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    np.testing.assert_array_equal(picture_in(pdf(figure)), pixels_of(png(figure)))
    assert b"/Interpolate false" in pdf(figure)


@pytest.mark.parametrize(
    ("height", "width", "across"),
    [(100, 100, 3.25), (100, 300, 3.25), (100, 400, 6.75), (900, 900, 6.75), (900, 90, 0.85)],
)
def test_pixels_take_a_column_or_both(height: int, width: int, across: float) -> None:
    size = page_size(pdf(Figure("f", np.zeros((height, width), np.uint8))))
    assert size == pytest.approx((across, across * height / width), abs=0.01)


def test_a_pdf_is_readable_by_others(tmp_path: Path) -> None:
    if not shutil.which("pdfinfo"):
        pytest.skip("poppler is not installed")
    for number, figure in enumerate((chart(), Figure("f", np.zeros((3, 4, 3), np.uint8)))):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(pdf(figure))
        command = ["pdfinfo", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Pages:           1" in done.stdout
        assert done.stderr == ""  # poppler mends broken tables, but says so


def test_hostile_and_foreign_names_are_drawn_as_they_are() -> None:
    names = ["$x_{", "中文", "a\x1b[2J", "W" * 500]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = confusion_chart(np.eye(4), names)
        assert pixels_of(png(Figure("f", chart))).shape[2] == 4
        assert pixels_of(png(Figure("f", interval_chart(names, [1] * 4, [None] * 4, [None] * 4, "x")))).shape[2] == 4
