"""scikit-learn's own digits: small, embedded, and enough for demonstrations and tests."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.draws import draw
from gan_probe.data.model import Data, Split
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from gan_probe.data.sources import DataRequest

TEST_SIZE = 360


def digits(request: DataRequest) -> Data:
    """1,797 digits, 8x8, their 17 grey levels scaled to 0..255.

    The set has no test split of its own: 360 digits, drawn class by class with seed 0, always are the test split.
    """
    from sklearn.datasets import load_digits

    if request.labels is not None:
        raise BadInputError("digits has one set of labels, the digit: leave out --labels")
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    classes = tuple("0123456789")
    test = np.sort(draw(len(images), labels, TEST_SIZE, np.random.default_rng(0)))
    train = np.setdiff1d(np.arange(len(images)), test)
    whole = Split.from_arrays("digits", images, labels.astype(np.int64), classes)
    return Data(
        "digits",
        dataclasses.replace(whole.subset(train), name="digits train"),
        dataclasses.replace(whole.subset(test), name="digits test"),
        "scikit-learn's copy of the UCI handwritten digits; test split: 360, stratified, seed 0",
    )
