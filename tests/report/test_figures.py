from __future__ import annotations

import io
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from gan_probe.report import Figure
from gan_probe.report.drawing import png
from gan_probe.report.figures import confusion_chart, image_grid, interval_chart, new_figure


def pixels_of(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


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
    def draw() -> bytes:
        return png(Figure("f", interval_chart(["a", "b"], [0.1, 0.2], [0.05, 0.1], [0.2, 0.3], "accuracy", ".1%")))

    first = draw()
    assert first == draw()
    assert b"tEXt" not in first  # no date, no version


def test_drawing_leaves_the_global_style_alone_and_does_not_depend_on_it() -> None:
    before = dict(mpl.rcParams)
    first = png(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"])))
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.size": 30, "axes.spines.top": True, "savefig.transparent": True, "text.color": "red"}):
        assert png(Figure("f", confusion_chart(np.eye(3), ["a", "b", "c"]))) == first


def test_hostile_and_foreign_names_are_drawn_as_they_are() -> None:
    names = ["$x_{", "中文", "a\x1b[2J", "W" * 500]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = confusion_chart(np.eye(4), names)
        assert pixels_of(png(Figure("f", chart))).shape[2] == 4
        assert pixels_of(png(Figure("f", interval_chart(names, [1] * 4, [None] * 4, [None] * 4, "x")))).shape[2] == 4


def test_the_confusion_chart_shows_shares_of_the_true_class() -> None:
    chart = confusion_chart(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert [text.get_text() for text in chart.axes[0].texts] == ["75", "25", "0", "0"]


def test_the_interval_chart_places_dots_and_intervals() -> None:
    chart = interval_chart(["a", "b"], [0.5, 0.7], [0.4, None], [0.6, None], "accuracy", ".0%")
    axes = chart.axes[0]
    ends, dots = axes.lines
    np.testing.assert_allclose(ends.get_xdata(), [0.4, 0.6])
    np.testing.assert_allclose(dots.get_xdata(), [0.5, 0.7])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first label is on top


def test_the_grid_holds_every_image_in_reading_order() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)
    grid = image_grid(images, columns=3, pad=1)
    assert grid.shape == (2 * 5 + 1, 3 * 7 + 1, 3)
    np.testing.assert_array_equal(grid[1:5, 1:7], images[0])
    np.testing.assert_array_equal(grid[6:10, 8:14], images[4])
    assert (grid[0] == 255).all()
    assert (grid[6:, 15:] == 255).all()


def test_grey_images_become_grey_colours() -> None:
    grid = image_grid(np.full((1, 2, 2, 1), 7, np.uint8), columns=9, pad=0)
    assert grid.tolist() == [[[7] * 3] * 2] * 2


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3), (1, 4, 4, 2)])
def test_a_grid_of_something_else_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a grid needs uint8 images"):
        image_grid(np.zeros(shape, np.uint8), 2)


def test_axes_of_a_new_figure_have_the_house_style() -> None:
    axes = new_figure().subplots()
    assert not axes.spines["top"].get_visible()
    assert axes.plot([0, 1])[0].get_color() == "#0072B2"
