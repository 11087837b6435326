"""Shapes with soft edges, drawn into a whole batch of images at once.

Coordinates are in a grid of 32 x 32 units, x to the right and y down, whatever the number of pixels: the same scene is
drawn at every size. A shape is a mask (N, S, S), the share of each pixel that it covers. Only operations that IEEE 754
rounds exactly are used, so that an image is the same in every batch and on every machine.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Coordinate: TypeAlias = np.ndarray | float

GRID = 32.0  # units to the side of an image


class Canvas:
    """Images (3, N, S, S) float32 in 0..1, from black.

    A coordinate is one number, or one an image (N,); a colour is (3, 1) or (3, N), or (3, N, S or 1, S or 1).
    """

    def __init__(self, n: int, size: int) -> None:
        self.n = n
        self.pixel = GRID / size  # its width, in units
        edges = np.arange(size + 1, dtype=np.float32) * self.pixel
        self._low, self._high = edges[:-1], edges[1:]
        self.centres = (edges[:-1] + edges[1:]) / 2  # (S,)
        self.x, self.y = self.centres[np.newaxis, np.newaxis, :], self.centres[np.newaxis, :, np.newaxis]
        self.images = np.zeros((3, n, size, size), dtype=np.float32)

    def paint(self, mask: np.ndarray, colour: np.ndarray) -> None:
        """Lay a colour over the images where the mask is."""
        for plane, value in zip(self.images, spread(colour), strict=True):
            plane += mask * (value - plane)

    def shade(self, factor: np.ndarray) -> None:
        """Multiply the images by a factor that broadcasts to (3, N, S, S)."""
        self.images *= factor

    def span(self, low: Coordinate, high: Coordinate) -> np.ndarray:
        """The share (N, S) of each row or column of pixels that lies between two coordinates."""
        inside = np.minimum(self._one_each(high), self._high) - np.maximum(self._one_each(low), self._low)
        return np.asarray(np.clip(inside / self.pixel, 0, 1))

    def rectangle(self, x0: Coordinate, y0: Coordinate, x1: Coordinate, y1: Coordinate) -> np.ndarray:
        """A rectangle, exactly: its sides are those of the image."""
        return np.asarray(self.span(y0, y1)[:, :, np.newaxis] * self.span(x0, x1)[:, np.newaxis, :])

    def ellipse(self, x: np.ndarray, y: Coordinate, rx: Coordinate, ry: Coordinate) -> np.ndarray:
        """An ellipse by its centre and radii: its distance to first order, clipped to the box around it."""
        rx, ry = column(rx), column(ry)
        dx, dy = (self.x - column(x)) / rx, (self.y - column(y)) / ry
        value = dx * dx + dy * dy - 1
        slope = (dx / rx) ** 2 + (dy / ry) ** 2
        distance = value / (2 * np.sqrt(slope) + 1e-6)
        x, y, rx, ry = (v.ravel() for v in (column(x), column(y), rx, ry))
        return np.asarray(self.below(distance) * self.rectangle(x - rx, y - ry, x + rx, y + ry).astype(bool))

    def below(self, distance: np.ndarray) -> np.ndarray:
        """The mask of what lies within an edge, from the distance to it in units, negative inside."""
        return np.asarray(np.clip(0.5 - distance / self.pixel, 0, 1))

    def pixels(self) -> np.ndarray:
        """The images (N, S, S, 3) uint8."""
        rounded = np.clip(self.images * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(rounded.transpose(1, 2, 3, 0))

    def _one_each(self, values: Coordinate) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype=np.float32), self.n)[:, np.newaxis]


def column(values: Coordinate) -> np.ndarray:
    """One value an image (N,), or one for all, to meet masks: (N or 1, 1, 1)."""
    return np.asarray(values, dtype=np.float32).reshape(-1, 1, 1)


def spread(colour: np.ndarray) -> np.ndarray:
    """A colour (3, N) to meet images, (3, N, 1, 1); one that has its pixels already as it is."""
    return colour[:, :, np.newaxis, np.newaxis] if colour.ndim == 2 else colour


def hsv(hue: Coordinate, saturation: Coordinate, value: Coordinate) -> np.ndarray:
    """Colours (3, N) by hue in turns, saturation and value in 0..1, each (N,) or one for all."""
    offsets = np.array([5, 3, 1], dtype=np.float32)[:, np.newaxis]
    k = (offsets + 6 * hue) % 6
    chroma = np.clip(np.minimum(k, 4 - k), 0, 1)
    return np.asarray(value * (1 - saturation * chroma), dtype=np.float32)


def mix(first: np.ndarray, second: np.ndarray, share: Coordinate) -> np.ndarray:
    """Between two colours: `share` 0 is the first, 1 the second."""
    return np.asarray(first + (second - first) * share)


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """One colour for all images, (3, 1)."""
    return np.array([[red], [green], [blue]], dtype=np.float32)
