"""Boxes on objects as COCO JSON: what `gan-probe annotate` writes, and what other labelling tools export.

The format: https://cocodataset.org/#format-data, object detection.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from gan_probe.annotations.document import check_index, check_name, check_origin, check_seed, read_document
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from gan_probe.gan import Card

OUR_NAME = re.compile(r"sample-(\d{1,9})(?!\d)")
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Box:
    """One object: its name, left edge, upper edge, width and height, in pixels of the image."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Boxes:
    """Boxes by sample: every sample that was looked at is a key of `samples`, also where no object is on it.

    `checkpoint` is the sha256, and `seed` the seed of the stream that the numbers count in: "" and None where the file
    of another tool does not say. Boxes lie within images of `image_size` x `image_size` pixels.
    """

    checkpoint: str
    seed: int | None
    image_size: int
    names: tuple[str, ...] = ()
    samples: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)

    def of(self, name: str) -> dict[int, np.ndarray]:
        """For every sample looked at, ascending, the object's boxes (K, 4) float64: x, y, width, height in pixels.

        K is 0 where there is no such object; BadInputError, which lists the names there are, where the name is none.
        """
        import numpy as np

        if name not in self.names:
            raise BadInputError(one_line(f"no object {name!r} is boxed; there are {', '.join(self.names) or 'none'}"))
        return {
            index: np.array([[b.x, b.y, b.width, b.height] for b in boxes if b.name == name], float).reshape(-1, 4)
            for index, boxes in sorted(self.samples.items())
        }


def read_boxes(path: Path | str, card: Card, seed: int | None = None) -> Boxes:
    """Read a COCO file of boxes on samples of the card's checkpoint, drawn with this seed where one is given.

    Boxes on enlarged samples are scaled to the card's image size. A file that names no checkpoint, as other tools'
    exports, is believed. Raises BadInputError, in one line that names the file, for what cannot be used.
    """
    path = Path(path)
    try:
        boxes = from_coco(read_document(path), card.image_size)
        if boxes.checkpoint:
            check_origin(boxes.checkpoint, boxes.seed, card, None if boxes.seed is None else seed)
    except BadInputError as error:
        raise BadInputError(one_line(f"{one_line(path.name, 60)}: {error}")) from error.__cause__
    return boxes


def from_coco(document: Mapping[str, Any], image_size: int) -> Boxes:
    """Boxes out of a COCO document, for images of `image_size` pixels; BadInputError says what is wrong with it.

    A sample's number is the image's `z_index`, else the number in its file's name, `sample-000012.png`. Ids may be
    numbers or texts; what is no box (segmentations, key points, licences) is left aside. Boxes are cut at the edges.
    """
    parts = [_entries(document, key) for key in ("images", "annotations", "categories")]
    images, annotations, categories = parts
    names = {_id(entry): check_name(entry.get("name")) for entry in categories}
    if len(names) < len(categories):
        raise BadInputError("two of its categories share an id: give each its own")
    where: dict[str, tuple[int, float, float]] = {}  # image id: sample, and the scale of x and of y
    samples: dict[int, list[Box]] = {}
    for image in images:
        index = _index(image)
        if index in samples or _id(image) in where:
            raise BadInputError(f"two of its images are sample {index}, or share an id: keep one of them")
        samples[index] = []
        width, height = (_side(image, side, image_size) for side in ("width", "height"))
        where[_id(image)] = (index, image_size / width, image_size / height)
    for annotation in annotations:
        image_id, category = str(annotation.get("image_id")), str(annotation.get("category_id"))
        if image_id not in where or category not in names:
            which = f"image {one_line(image_id, 40)}" if image_id not in where else f"category {one_line(category, 40)}"
            raise BadInputError(f"an annotation refers to {which}, which the file does not list")
        index, *scale = where[image_id]
        samples[index].append(_box(annotation, names[category], scale, image_size))
    info = document.get("info")
    info = info if isinstance(info, dict) else {}
    checkpoint, seed = info.get("checkpoint"), info.get("seed")
    if not isinstance(checkpoint, str | None):
        raise BadInputError(f"its checkpoint is {one_line(repr(checkpoint), 40)}, not a sha256")
    return Boxes(
        checkpoint or "",
        None if seed is None else check_seed(seed),
        image_size,
        tuple(dict.fromkeys(names.values())),
        {index: tuple(samples[index]) for index in sorted(samples)},
    )


def to_coco(boxes: Boxes) -> dict[str, Any]:
    """The COCO document of boxes, plain data for JSON; `from_coco` reads it back."""
    ids = {name: i for i, name in enumerate(boxes.names, 1)}
    indices = sorted(boxes.samples)
    drawn = [(index, box) for index in indices for box in boxes.samples[index]]
    size = boxes.image_size
    return {
        "info": {"description": "gan-probe annotate", "checkpoint": boxes.checkpoint, "seed": boxes.seed},
        "images": [
            # some readers take an id of 0 for none
            {"id": i + 1, "file_name": file_name(i), "width": size, "height": size, "z_index": i}
            for i in indices
        ],
        "annotations": [
            {
                "id": number,
                "image_id": index + 1,
                "category_id": ids[box.name],
                "bbox": [box.x, box.y, box.width, box.height],
                "area": box.width * box.height,
                "iscrowd": 0,
            }
            for number, (index, box) in enumerate(drawn, 1)
        ],
        "categories": [{"id": i, "name": name, "supercategory": ""} for name, i in ids.items()],
    }


def file_name(index: int) -> str:
    """The name of a sample's picture, which carries its number."""
    return f"sample-{index:06d}.png"


def _entries(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadInputError(f"it has no list of {key}: export it as COCO, object detection")
    return entries


def _id(entry: Mapping[str, Any]) -> str:
    # tools disagree on whether ids are numbers or texts, some within one file
    if type(entry.get("id")) not in (int, str):
        raise BadInputError(
            f"an image or a category has the id {one_line(repr(entry.get('id')), 40)}, no number or text"
        )
    return str(entry["id"])


def _index(image: Mapping[str, Any]) -> int:
    """The number of the sample that an image is."""
    if "z_index" in image:
        return check_index(image["z_index"])
    name = image.get("file_name")
    # tools put folders and hashes around a name: `upload/1f3a-sample-000012_png.rf.9c0.jpg`
    stem = PurePosixPath(name.replace("\\", "/")).stem if isinstance(name, str) else ""
    ours = OUR_NAME.findall(stem) or NUMBER.findall(stem)
    if len(ours) != 1 or len(ours[0]) > 9:
        raise BadInputError(
            f"its image {one_line(repr(name), 60)} does not say which sample it is: name it as in {file_name(12)}"
        )
    return check_index(int(ours[0]))


def _side(image: Mapping[str, Any], side: str, image_size: int) -> float:
    value = image.get(side, image_size)
    if not _finite(value) or value < 1:
        raise BadInputError(f"an image has the {side} {one_line(repr(value), 40)}, no number of pixels")
    return float(value)


def _box(annotation: Mapping[str, Any], name: str, scale: list[float], image_size: int) -> Box:
    bbox = annotation.get("bbox")
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_finite, bbox)):
        raise BadInputError(f"a box is {one_line(repr(bbox), 60)}: export x, y, width, height in pixels")
    edges = list(_cut(bbox, scale, image_size))
    if not all(length > 0 for _, length in edges):
        raise BadInputError(f"the box {one_line(repr(bbox), 60)} covers nothing of its image: take it out")
    (x, width), (y, height) = edges
    return Box(name, x, y, width, height)


def _cut(bbox: list[float], scale: list[float], image_size: int) -> Iterator[tuple[float, float]]:
    """Start and length along x, then y, within the image."""
    for start, length, factor in zip(bbox[:2], bbox[2:], scale, strict=True):
        first, extent = float(start * factor), float(length * factor)
        if first < 0 or first + extent > image_size:
            last = min(first + extent, float(image_size))
            first = max(first, 0.0)
            extent = last - first
        yield first, extent


def _finite(value: object) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(float(value))  # type: ignore[arg-type]  # a number
    except OverflowError:
        return False
