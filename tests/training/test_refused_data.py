"""Images and labels that cannot be trained on are refused before a step is taken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan_probe.errors import BadInputError
from gan_probe.training.loop import train

from .bars import TINY, bars


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 16, 16, 1), np.float32), "uint8, not 4-dimensional float32"),
        (np.full((4, 16, 16, 1), np.nan), "uint8, not 4-dimensional float64"),
        (np.zeros((4, 16, 16), np.uint8), "uint8, not 3-dimensional uint8"),
        (np.zeros((4, 16, 18, 1), np.uint8), "16x18"),
        (np.zeros((4, 18, 18, 1), np.uint8), "image size 18"),
        (np.zeros((1, 16, 16, 1), np.uint8), "at least 2"),
        (np.zeros((0, 16, 16, 1), np.uint8), "at least 2"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_one_line(images: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        train(images, TINY)
    assert len(str(caught.value)) <= 200


def test_images_of_another_size_than_the_recipes_are_refused() -> None:
    with pytest.raises(BadInputError, match="16x16, the networks' are 32x32"):
        train(bars(4)[0], dataclasses.replace(TINY, image_size=32))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (None, ("a", "b"), "needs labels"),
        (np.zeros(4, int), (), "needs labels"),
        (np.zeros(3, int), ("a", "b"), r"\(4,\) integers"),
        (np.zeros(4), ("a", "b"), r"\(4,\) integers"),
        (np.array([0, 1, 2, 0]), ("a", "b"), "there are 2 classes"),
        (np.array([0, 1, -1, 0]), ("a", "b"), "there are 2 classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray | None, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        train(bars(4)[0], dataclasses.replace(TINY, conditional=True), labels=labels, classes=classes)
