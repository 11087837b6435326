from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from gan_probe.data import open_data
from gan_probe.data.decode import ANIMATION, SIXTEEN_BIT, TRANSPARENT
from gan_probe.data.fit import fit, fit_arrays


def load(tree: Callable[[dict[str, bytes]], Path], image: Image.Image, suffix: str, size: int, channels: int, **save):
    file = io.BytesIO()
    image.save(file, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()), **save)
    loaded = open_data(tree({f"x.{suffix}": file.getvalue()})).train.load(size, channels)
    return loaded.images[0], loaded.notes


@settings(max_examples=40, deadline=None)
@given(
    image=st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3])).flatmap(
        lambda shape: arrays(np.uint8, shape)
    ),
    size=st.integers(1, 12),
    channels=st.sampled_from([1, 3]),
)
def test_an_array_and_its_file_give_the_same_pixels(image, size, channels):
    file = Image.fromarray(image if image.shape[2] == 3 else image[..., 0])
    np.testing.assert_array_equal(fit_arrays(image[np.newaxis], size, channels)[0], fit(file, size, channels))


def test_a_fitting_image_is_left_untouched():
    image = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(fit_arrays(image, 16, 3), image)


def test_the_centred_square_is_cut_out():
    image = np.zeros((1, 4, 9, 1), np.uint8)
    image[:, :, 2:6] = 200  # margins 2 and 3
    assert (fit_arrays(image, 4, 1) == 200).all()
    assert (fit_arrays(image.transpose(0, 2, 1, 3), 4, 1) == 200).all()


def test_shrinking_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (1, 64, 32))[..., np.newaxis]
    shrunk = fit_arrays(stripes, 16, 1)[0, :, 2:-2]
    assert np.abs(shrunk.astype(int) - 127.5).max() < 3  # picking pixels would give 0 or 255


def test_grey_is_the_luma_of_itu_601():
    rgb = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    assert np.abs(fit_arrays(rgb, 8, 1)[..., 0] - luma).max() <= 0.51


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tree, orientation):
    upright = np.zeros((16, 16), np.uint8)
    upright[:8, :8] = 255
    upright[:8, 8:] = 128
    undo = {  # how a camera that writes this value stores the picture
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, 3),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    image, _ = load(tree, stored, "png", 16, 1, exif=exif)
    np.testing.assert_array_equal(image[..., 0], upright)


def test_transparency_is_flattened_over_white_and_named(tree):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, :4] = 10, 20, 30, 255
    image, notes = load(tree, Image.fromarray(rgba), "png", 8, 3)
    assert (image[:, :4] == (10, 20, 30)).all()
    assert (image[:, 4:] == 255).all()
    assert TRANSPARENT in notes[0]


def test_grey_with_alpha_stays_the_same_grey(tree):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    image, _ = load(tree, Image.merge("LA", (grey, Image.new("L", (16, 16), 255))), "png", 16, 1)
    np.testing.assert_array_equal(image.ravel(), np.arange(256))


def test_palettes_become_their_colours_and_transparent_entries_white(tree):
    palette = Image.fromarray(np.repeat([[0, 1]], 8, axis=0).repeat(4, axis=1).astype(np.uint8))
    palette = palette.convert("P")
    palette.putpalette([200, 100, 50, 1, 2, 3])
    image, _ = load(tree, palette, "png", 8, 3)
    assert (image[0, 0] == (200, 100, 50)).all()
    image, _ = load(tree, palette, "png", 8, 3, transparency=1)
    assert (image[0, 0] == (200, 100, 50)).all()
    assert (image[0, 7] == 255).all()


def test_cmyk_becomes_rgb(tree):
    image, _ = load(tree, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "jpg", 8, 3, quality=95)
    assert np.abs(image.astype(int) - (255, 0, 0)).max() < 6


def test_sixteen_bits_are_scaled_not_clipped(tree):
    values = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    for suffix in ("png", "tif"):
        image, notes = load(tree, Image.fromarray(values), suffix, 16, 1)
        np.testing.assert_array_equal(image[..., 0], np.rint(values / 257))
        assert SIXTEEN_BIT in " ".join(notes)
        (tree({}) / f"x.{suffix}").unlink()


def test_black_and_white_becomes_grey(tree):
    image, _ = load(tree, Image.fromarray(np.eye(8, dtype=bool)), "png", 8, 1)
    np.testing.assert_array_equal(image[..., 0], np.eye(8) * 255)


@pytest.mark.parametrize("values", [np.full((8, 8), 0.5, np.float32), np.full((8, 8), 70000, np.int32)])
def test_pixels_without_a_stated_range_are_refused(tree, refused, values):
    assert "save it with 8 or 16 bits" in refused(load, tree, Image.fromarray(values), "tif", 8, 1)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_the_first_frame_of_an_animation_is_used_and_named(tree, suffix):
    frames = [Image.new("RGB", (8, 8), (level, level, level)) for level in (200, 0, 100)]
    image, notes = load(tree, frames[0], suffix, 8, 1, save_all=True, append_images=frames[1:])
    assert (image == 200).all()
    assert ANIMATION in notes[0]
    assert "x." in notes[0]


def test_a_long_strip_costs_no_more_than_its_square(tree):
    image, _ = load(tree, Image.new("L", (1, 10_000), 9), "png", 64, 1)
    assert (image == 9).all()
