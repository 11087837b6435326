"""What the units of a layer see, where the network's geometry is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.receptive_field import receptive_field

if TYPE_CHECKING:
    from gan_probe.gan import Layer
    from gan_probe.receptive_field import ReceptiveField


def fields(net: Any, layer: Layer) -> list[ReceptiveField] | None:
    """The receptive field of each row, or column, of the layer's units; None for a class of somebody's own code."""
    stages = getattr(net, "stages", None)
    if stages is None:
        return None
    upto = stages[: net.layers.index(layer) + 1]
    return [receptive_field(upto, net.input_size, position) for position in range(layer.size)]


def centres(net: Any, layer: Layer) -> np.ndarray | None:
    """The middle of each row, or column, of units, in pixels from the edge (S,)."""
    found = fields(net, layer)
    return None if found is None else np.array([field.centre for field in found])


def crop(pixels: np.ndarray, rows: ReceptiveField, columns: ReceptiveField, blank: int) -> np.ndarray:
    """What a unit sees of an image (H, W, C), all else blank, in a square that is the same for all units of a layer.

    The square is the receptive field, ends beyond the image included, or the image, where that is smaller.
    """
    size = pixels.shape[0]
    whole = rows.stop - rows.start >= size
    top, left, side = (0, 0, size) if whole else (rows.start, columns.start, rows.stop - rows.start)
    square = np.full((side, side, pixels.shape[2]), blank, pixels.dtype)
    square[rows.first - top : rows.last - top, columns.first - left : columns.last - left] = pixels[
        rows.first : rows.last, columns.first : columns.last
    ]
    return square
