import io

import numpy as np
import pytest
from PIL import Image

from gan_probe.report.animation import webp


def test_every_frame_is_there_in_order_and_the_last_one_stays() -> None:
    frames = [np.full((64, 240, 3), grey, np.uint8) for grey in (40, 200, 120)]
    with Image.open(io.BytesIO(webp(frames, ["a", "b", "c"]))) as film:
        assert film.format == "WEBP"
        assert film.n_frames == 3
        assert film.info["loop"] == 0
        greys, times = [], []
        for i in range(3):
            film.seek(i)
            film.load()
            greys.append(np.asarray(film.convert("RGB"))[:60].mean())
            times.append(film.info["duration"])
    assert greys == pytest.approx([40, 200, 120], abs=6)
    assert times[0] == times[1] < times[2]


def test_small_pictures_are_enlarged_and_the_caption_is_written_under_them() -> None:
    with Image.open(io.BytesIO(webp([np.zeros((34, 34, 3), np.uint8)], ["step 7"]))) as film:
        assert film.width == 8 * 34
        assert film.height > 8 * 34
        strip = np.asarray(film.convert("L"))[8 * 34 + 1 :]
    assert strip.max() > 240
    assert strip.min() < 100


def test_without_captions_there_is_no_strip() -> None:
    with Image.open(io.BytesIO(webp([np.zeros((120, 240, 3), np.uint8)] * 2, milliseconds=50))) as film:
        assert film.size == (240, 120)
