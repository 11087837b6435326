"""A world: factors that vary, and a painter that draws them; image i of a seed is always the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.worlds.canvas import GRID, Canvas
from gan_probe.data.worlds.chance import uniforms
from gan_probe.data.worlds.factors import unknown
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gan_probe.data.worlds.factors import Factor

    Values = Mapping[str, np.ndarray]  # each factor's, (N,)
    Boxes = Mapping[str, np.ndarray]  # each object's x0, y0, x1, y1 (N, 4), NaN where it is absent

SIZES = (16, 256)
BLOCK = 64  # images drawn at once: what the processor's cache holds


@dataclass(frozen=True, eq=False)
class Scene:
    """Images (N, S, S, 3) uint8, and what is in them.

    `attributes` are the values (N,) of each factor: bool for what may be absent, int64 for a choice, float32 for a
    degree or a number. `boxes` (N, objects, 4) float32 are x0, y0, x1, y1 in pixels, half-open, of `objects` in that
    order; NaN where absent. An object touches no pixel outside floor(x0)..ceil(x1) and floor(y0)..ceil(y1).
    """

    images: np.ndarray
    attributes: dict[str, np.ndarray]
    objects: tuple[str, ...]
    boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class World:
    """Images without end by seed and number, with their truth.

    `seen` are the factors whose classes every image shows, `labelled` those among them that tell images apart where
    nobody chooses. `boxes` gives the objects' places on the canvas' grid, `paint` draws onto it.
    """

    name: str
    factors: Mapping[str, Factor]
    seen: tuple[str, ...]
    labelled: tuple[str, ...]
    boxes: Callable[[Values], Boxes]
    paint: Callable[[Canvas, Values], None]

    def draw(self, n: int, seed: int, size: int = 32, start: int = 0, **fixed: Any) -> Scene:
        """Images `start` to `start + n` of a seed, `size` pixels to the side.

        `fixed` pins factors, each to a class name, a value or an array of n; all else stays as it was. BadInputError
        for a factor or a value that there is not, and a size outside 16..256.
        """
        if n < 0 or start < 0:
            raise BadInputError(f"{self.name}: cannot draw {n} images from number {start}: neither may be negative")
        return self.at(np.arange(start, start + n), seed, size, **fixed)

    def at(self, indices: np.ndarray, seed: int, size: int = 32, **fixed: Any) -> Scene:
        """The images of these numbers (N,), in that order."""
        if not SIZES[0] <= size <= SIZES[1]:
            raise BadInputError(f"{self.name} cannot be drawn at {size} pixels: choose {SIZES[0]} to {SIZES[1]}")
        attributes = self.attributes(indices, seed, **fixed)
        images = np.empty((len(indices), size, size, 3), dtype=np.uint8)
        for begin in range(0, len(indices), BLOCK):
            block = slice(begin, begin + BLOCK)
            values = {name: value[block] for name, value in attributes.items()}
            canvas = Canvas(len(images[block]), size)
            self.paint(canvas, values)
            images[block] = canvas.pixels()
        boxes = self.boxes(attributes)
        return Scene(images, attributes, tuple(boxes), np.stack(list(boxes.values()), axis=1) * (size / GRID))

    def attributes(self, indices: np.ndarray, seed: int, **fixed: Any) -> dict[str, np.ndarray]:
        """The values (N,) of every factor at these numbers (N,), none of them drawn."""
        for name in fixed:
            if name not in self.factors:
                raise unknown(name, self.factors, self.name)
        values = {}
        for name, factor in self.factors.items():
            u = np.stack([uniforms(seed, f"{self.name}/{name}/{part}", indices) for part in ("which", "where")])
            try:
                values[name] = factor.values(u, fixed.get(name))
            except ValueError as error:
                raise BadInputError(one_line(f"{self.name}: {name} can be {error}")) from None
        return values
