"""The worlds as named data sets: 50,000 training and 10,000 test images of seed 0, drawn when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.fit import fit_arrays
from gan_probe.data.model import Data, Loaded, Split
from gan_probe.data.names import short
from gan_probe.data.worlds.canvas import GRID
from gan_probe.data.worlds.faces import toy_faces
from gan_probe.data.worlds.factors import unknown
from gan_probe.data.worlds.rooms import toy_rooms
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from gan_probe.data.model import Progress
    from gan_probe.data.sources import DataRequest
    from gan_probe.data.worlds.world import World

WORLDS = {world.name: world for world in (toy_rooms, toy_faces)}
SEED = 0
TRAIN, TEST = 50_000, 10_000  # the test images follow the training images
SIZE = 32  # pixels, where nobody asks for a size
BLOCK = 1024  # images between two reports of progress


@dataclass(frozen=True, eq=False)
class WorldPixels:
    """Images of a world from number `start` on, drawn at the size asked for: none is scaled."""

    world: World
    start: int
    n: int

    def __len__(self) -> int:
        return self.n

    def load(self, indices: np.ndarray, image_size: int, channels: int, what: str, progress: Progress | None) -> Loaded:
        """Draw the images at `indices`; none is ever skipped."""
        total = len(indices)
        images = np.empty((total, image_size, image_size, channels), dtype=np.uint8)
        for begin in range(0, total, BLOCK):
            block = slice(begin, begin + BLOCK)
            drawn = self.world.at(indices[block] + self.start, SEED, image_size).images
            images[block] = fit_arrays(drawn, image_size, channels)
            if progress is not None:
                progress(min(begin + BLOCK, total), total, f"drawing {what}")
        return Loaded(images, np.arange(total))

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """32 pixels in colour, for each."""
        return [(SIZE, SIZE, 3)] * len(indices)


def open_world(name: str, request: DataRequest) -> Data:
    """One of `WORLDS`; `labels` name the factors whose classes are told apart, with commas between several."""
    world = WORLDS[name]
    chosen = world.labelled if request.labels is None else tuple(request.labels.split(","))
    classes = _classes(world, chosen)
    train, test = (
        _split(world, part, start, n, chosen, classes)
        for part, start, n in (("train", 0, TRAIN), ("test", TRAIN, TEST))
    )
    about = f"drawn by code, seed {SEED}; --labels takes one or several, with commas, of: {', '.join(world.seen)}"
    return Data(name, train, test, about)


def _classes(world: World, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the classes that the factors make together."""
    known = {name: world.factors[name] for name in world.seen}
    names = [""]
    for name in chosen:
        if name not in known:
            raise unknown(name, known, world.name)
        names = [f"{before}, {own}".removeprefix(", ") for before in names for own in known[name].classes]
    if len(set(chosen)) < len(chosen):
        raise BadInputError(f"{world.name}: --labels {short(','.join(chosen), 60)} names a factor twice")
    return tuple(names)


def _split(world: World, part: str, start: int, n: int, chosen: tuple[str, ...], classes: tuple[str, ...]) -> Split:
    attributes = world.attributes(np.arange(start, start + n), SEED)
    labels = np.zeros(n, dtype=np.int64)
    for name in chosen:
        factor = world.factors[name]
        labels = labels * len(factor.classes) + factor.labels(attributes[name])
    boxes = {name: box / GRID for name, box in world.boxes(attributes).items()}
    pixels = WorldPixels(world, start, n)
    return Split(f"{world.name} {part}", pixels, labels, classes, attributes=attributes, boxes=boxes)
