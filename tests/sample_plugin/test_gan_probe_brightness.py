"""The analysis keeps gan-probe's contract, and measures what it says."""

import numpy as np
import torch

from gan_probe import Context
from gan_probe.testing import check_analysis, tiny_gan

from gan_probe_brightness import Brightness, BrightnessOptions


def test_it_keeps_the_contract():
    check_analysis(Brightness, count=16)


def test_a_grey_generator_is_half_as_bright_as_white():
    gan = tiny_gan()
    gan.generator.forward = lambda z, *_: torch.zeros(len(z), 1, 16, 16)  # 0 lies between -1, black, and 1, white
    row = Brightness().run(gan, BrightnessOptions(count=8), Context()).tables[0].rows[0]
    assert np.isclose(row["mean"], 0.5, atol=0.01)
