"""The analysis keeps gan-probe's contract, and measures what it says."""

import numpy as np
import torch

from gan_probe import Context
from gan_probe.data import Data, Split
from gan_probe.testing import check_analysis, tiny_data, tiny_gan

from gan_probe_brightness import Brightness, BrightnessOptions


def grey_gan():
    """A generator of grey images: 0 lies between -1, black, and 1, white."""
    gan = tiny_gan()
    gan.generator.forward = lambda z, *_: torch.zeros(len(z), 1, 16, 16)
    return gan


def rows_beside(level):
    """The table's rows for grey samples beside real images of this level, by what they are of."""
    images = np.full((20, 16, 16, 1), level, np.uint8)
    data = Data("flat", Split.from_arrays("train", images), None)
    report = Brightness().run(grey_gan(), BrightnessOptions(count=8), Context(data=data))
    return {row["of"]: row for row in report.tables[0].rows}


def test_it_keeps_the_contract():
    check_analysis(Brightness, count=16)


def test_it_keeps_the_contract_beside_real_images():
    check_analysis(Brightness, data=tiny_data(), count=16)


def test_a_grey_generator_is_half_as_bright_as_white():
    row = Brightness().run(grey_gan(), BrightnessOptions(count=8), Context()).tables[0].rows[0]
    assert np.isclose(row["mean"], 0.5, atol=0.01)


def test_it_is_brighter_than_black_images_and_as_bright_as_grey_ones():
    assert rows_beside(0)["samples minus real images"]["low"] > 0.4
    none = rows_beside(round(255 * rows_beside(0)["samples"]["mean"]))["samples minus real images"]
    assert none["low"] <= 0.01
    assert none["high"] >= -0.01


def test_without_real_images_it_says_so():
    report = Brightness().run(grey_gan(), BrightnessOptions(count=8), Context())
    assert "pass --data" in report.notes[0]
