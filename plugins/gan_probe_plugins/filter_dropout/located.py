"""Where the object is on samples: by the boxes that somebody drew, or by a finder trained on data with known boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError
from gan_probe.annotations import read_boxes
from gan_probe_plugins.filter_dropout.detectors import Detector, Errors, errors, train_finder, train_judge
from gan_probe_plugins.filter_dropout.positions import patches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe import GAN, Context

SEARCHED = 400  # samples on which the finder looks for the object; the paper's authors looked at 150
FEWEST = 8  # samples with a box: a quarter of them are held out
SMALLEST = 1 / 64  # of the image: a smaller patch is no object
TRAINING, HELD_OUT = 4000, 2000  # images: for each of the two detectors, and to find their errors


@dataclass(frozen=True, eq=False)
class Located:
    """Boxes (K, 4), K > 0, x0, y0, x1, y1 in pixels, of the samples `indices` (N,); `looked` samples were looked at."""

    indices: np.ndarray
    boxes: tuple[np.ndarray, ...]
    looked: int
    how: str


@dataclass(frozen=True, eq=False)
class Detectors:
    """The finder, the judge that had no part in choosing the maps, and the errors of both on held-out images."""

    finder: Detector
    judge: Detector
    errors: tuple[Errors, ...]


def from_file(path: str, thing: str, gan: GAN, ctx: Context) -> Located:
    """Boxes that somebody drew on samples of this run's stream."""
    drawn = read_boxes(path, gan.card, seed=ctx.seed).of(thing)
    kept = {index: np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]] for index, boxes in drawn.items() if len(boxes)}
    count = sum(map(len, kept.values()))
    return _located(kept, max(drawn, default=-1) + 1, thing, f"{count} boxes drawn by hand on {len(kept)} samples")


def by_finder(finder: Detector, thing: str, gan: GAN, ctx: Context) -> Located:
    """Boxes around what the finder takes for the object on the stream's first samples."""
    maps = finder(ctx.samples(gan, SEARCHED).pixels)[:, finder.objects.index(thing)] > 0  # (N, S, S)
    size = maps.shape[1]
    found = {
        i: patches(own, max(1, round(SMALLEST * size**2))) * (gan.card.image_size / size) for i, own in enumerate(maps)
    }
    kept = {i: boxes for i, boxes in found.items() if len(boxes)}
    count = sum(map(len, kept.values()))
    how = f"{count} boxes by a finder trained on drawn boxes, on {len(kept)} of {SEARCHED} samples"
    return _located(kept, SEARCHED, thing, how)


def train_detectors(gan: GAN, thing: str, ctx: Context) -> Detectors | None:
    """Both detectors, trained on different images of the data; None where the data have no boxes of the object."""
    if ctx.data is None or thing not in ctx.data.train.boxes:
        return None
    split = ctx.data.train
    n = min(len(split), 2 * TRAINING + HELD_OUT)
    images = ctx.images(split.subset(ctx.rng("filter-dropout/data").permutation(len(split))[:n]), gan.card)
    shares = np.array([TRAINING, TRAINING, HELD_OUT]) / (2 * TRAINING + HELD_OUT)
    first, second, held_out = np.split(np.arange(len(images)), (np.cumsum(shares)[:2] * len(images)).astype(int))

    def part(rows: np.ndarray) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
        return images.images[rows], {name: boxes[rows] for name, boxes in images.boxes.items()}

    finder = train_finder(*part(first), ctx.rng("filter-dropout/finder"), ctx.progress)
    judge = train_judge(*part(second), ctx.rng("filter-dropout/judge"), ctx.progress)
    found = (errors(finder, "finder", *part(held_out)), errors(judge, "judge", *part(held_out)))
    return Detectors(finder, judge, (*found[0], *found[1]))


def _located(kept: dict[int, np.ndarray], looked: int, thing: str, how: str) -> Located:
    if len(kept) < FEWEST:
        raise BadInputError(
            f"{thing[:40]!r} is boxed on {len(kept)} samples; {FEWEST} are needed: draw more with gan-probe annotate"
        )
    return Located(np.array(list(kept), dtype=np.int64), tuple(kept.values()), looked, how)
