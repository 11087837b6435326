"""What a filter may be selective for: the images' classes, and attributes' presence or absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gan_probe.data import Images

FEWEST = 20  # images with and without, in each half
TOP = 100  # images that excite a filter most, of which numbers are taken


@dataclass(frozen=True, eq=False)
class Targets:
    """Names, which images have them (N, T) bool, and where: boxes x0, y0, x1, y1 (N, 4) in pixels by name.

    `choosing` (N,) bool are the images that choose a filter's target; the others judge it.
    """

    names: tuple[str, ...]
    table: np.ndarray
    boxes: dict[str, np.ndarray]
    choosing: np.ndarray


def targets(images: Images, rng: np.random.Generator, notes: list[str]) -> Targets:
    """Attributes, their absence, and classes that are neither under another name; what is too rare is left out."""
    n = len(images)
    choosing = np.zeros(n, dtype=bool)
    choosing[rng.permutation(n)[: n // 2]] = True
    flags = {name: values for name, values in images.attributes.items() if values.dtype == bool}
    found = flags | {f"no {name}": ~values for name, values in flags.items()}
    if images.labels is not None:
        for k, name in enumerate(images.classes):
            column = images.labels == k
            if not any(np.array_equal(column, known) for known in found.values()):
                found[name] = column
    kept, rare = {}, []
    for name, column in found.items():
        counts = [int((column[half] == value).sum()) for half in (choosing, ~choosing) for value in (True, False)]
        if min(counts) >= FEWEST:
            kept[name] = column
        else:
            rare.append(name)
    if rare:
        notes.append(f"Left out, with fewer than {FEWEST} images for or against in a half: {', '.join(sorted(rare))}.")
    if n < 4 * TOP:
        notes.append(f"Selectivity is measured on {4 * TOP} images or more, half of them to judge: here are {n}.")
        kept = {}
    boxes = {name: images.boxes[name] for name in kept if name in images.boxes}
    table = np.stack(list(kept.values()), axis=1) if kept else np.zeros((n, 0), dtype=bool)
    return Targets(tuple(kept), table, boxes, choosing)
