from __future__ import annotations

import numpy as np
import pytest

from gan_probe.report.figures import (
    confusion_chart,
    image_grid,
    interval_chart,
    legible,
    new_figure,
    two_lines,
    unwritten,
)


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


def test_a_label_takes_two_lines_at_most() -> None:
    assert two_lines("random weights", 20) == "random weights"
    assert two_lines("one exemplar, rescaled to a sample", 20) == "one exemplar,\nrescaled to a sample"
    assert two_lines("W" * 500, 20) == "W" * 20 + "\n" + "W" * 19 + "…"


def test_names_that_the_font_lacks_are_numbered_and_explained() -> None:
    assert legible(["cat", "中文", "é ñ", "日本語"]) == ["cat", "no. 2", "é ñ", "no. 4"]
    assert unwritten(["cat", "中文", "é ñ", "日本語"]) == (
        " Names that the chart's font lacks: no. 2: 中文; no. 4: 日本語."
    )
    assert unwritten(["cat"]) == ""
    labels = confusion_chart(np.eye(2), ["cat", "中文"]).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["cat", "no. 2"]


def test_every_artist_of_a_new_figure_has_the_house_style() -> None:
    figure = new_figure()
    axes = figure.subplots()
    axes.plot([0, 1], label="a")
    sizes = [axes.legend().get_texts()[0], figure.legend().get_texts()[0], axes.set_title("t"), axes.set_xlabel("x")]
    assert [text.get_fontsize() for text in sizes] == [7.5, 7.5, 8.5, 8]


def test_axes_of_a_new_figure_have_the_house_style() -> None:
    axes = new_figure().subplots()
    assert not axes.spines["top"].get_visible()
    assert axes.plot([0, 1])[0].get_color() == "#0072B2"
