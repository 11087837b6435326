"""What a tree of image files means: which folders are splits, and which are classes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.encoded import EncodedPixels
from gan_probe.data.folders import SUFFIXES
from gan_probe.data.labels import encode, labeller
from gan_probe.data.model import Data, Split
from gan_probe.data.names import short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.data.encoded import Reader
    from gan_probe.data.model import Skipped

TRAIN = ("train", "training")
TEST = ("test", "testing", "val", "valid", "validation")  # the first that is there


@dataclass(frozen=True)
class Part:
    """Files of one split: its name, their indices, and each file's class folder, or None where it has none."""

    name: str
    indices: list[int]
    classes: list[str | None]


def image_data(name: str, where: str, reader: Reader, skipped: tuple[Skipped, ...], labels: str | None) -> Data:
    """A set of the image files of a folder or an archive.

    Folders `train` and `test` (or `val`) at the top are splits, unless others stand beside them; below, the first
    folder is the class. Files are unlabelled unless all of a split lie in class folders. `labels` replaces the classes
    (see `labels.labeller`): files to which it gives none are left out, with a note.
    """
    where = short(where)
    if not reader.names:
        links = f" ({len(skipped)} links or special files were skipped)" if skipped else ""
        raise BadInputError(f"{where}: no images{links}; expected files such as {', '.join(SUFFIXES[:3])}")
    parts, notes = arrange(reader.names)
    if labels is not None:
        label = labeller(labels)
        parts = [Part(p.name, p.indices, [label(reader.names[i]) for i in p.indices]) for p in parts]
        parts = [_labelled(part, reader, notes) for part in parts]
        if not parts[0].indices:
            raise BadInputError(
                f"{where}: --labels {short(labels, 40)!r} labels no file; the first is {short(reader.names[0], 40)}"
            )
    raw = [_class_array(part, reader, notes) for part in parts]
    ids, classes = encode(raw)
    pixels = EncodedPixels(reader)
    splits = [
        Split(
            f"{name} {part.name}".strip(),
            pixels,
            number,
            classes if number is not None else (),
            np.array(part.indices, dtype=np.int64),
            skipped if part is parts[0] else (),
            tuple(notes) if part is parts[0] else (),
        )
        for part, number in zip(parts, ids, strict=True)
        if part.indices
    ]
    return Data(name, splits[0], splits[1] if len(splits) > 1 else None, f"image files of {where}")


def arrange(names: Sequence[str]) -> tuple[list[Part], list[str]]:
    """Find splits and class folders in relative names; returns the training part, the test part if any, and notes."""
    paths = [name.split("/") for name in names]
    depth = 0
    while all(len(p) > depth + 1 and p[depth] == paths[0][depth] for p in paths) and not _is_split(paths[0][depth]):
        depth += 1  # a single folder around everything is packaging
    tops: defaultdict[str, list[int]] = defaultdict(list)
    for index, path in enumerate(paths):
        tops[path[depth] if len(path) > depth + 1 else ""].append(index)
    train = next((top for known in TRAIN for top in tops if top.lower() == known), None)
    test = next((top for known in TEST for top in tops if top.lower() == known), None)
    others = [top for top in tops if top and not _is_split(top)]  # then `train` is a class, as in CIFAR-100
    if others or (train is None and (test is None or len(tops) > 1)):
        return [_part("", list(range(len(names))), paths, depth)], []
    chosen = [top for top in (train, test) if top is not None]
    notes = [
        f"{len(tops[top])} images in {short(top, 40) or 'the top folder'} left out: the splits are {', '.join(chosen)}"
        for top in tops
        if top not in chosen
    ]
    return [_part(top, tops[top], paths, depth + 1) for top in chosen], notes


def _is_split(folder: str) -> bool:
    return folder.lower() in TRAIN + TEST


def _part(name: str, indices: list[int], paths: list[list[str]], depth: int) -> Part:
    return Part(name, indices, [paths[i][depth] if len(paths[i]) > depth + 1 else None for i in indices])


def _labelled(part: Part, reader: Reader, notes: list[str]) -> Part:
    kept = [(i, c) for i, c in zip(part.indices, part.classes, strict=True) if c is not None]
    if len(kept) < len(part.indices):
        lost = next(i for i, c in zip(part.indices, part.classes, strict=True) if c is None)
        notes.append(
            f"{len(part.indices) - len(kept)} of {len(part.indices)} files have no label under --labels and were left "
            f"out (first: {short(reader.names[lost])})"
        )
    return Part(part.name, [i for i, _ in kept], [c for _, c in kept])


def _class_array(part: Part, reader: Reader, notes: list[str]) -> np.ndarray | None:
    stray = [i for i, c in zip(part.indices, part.classes, strict=True) if c is None]
    if not stray:
        return np.array(part.classes)
    if len(stray) < len(part.indices):
        notes.append(
            f"no labels: {len(stray)} images lie outside the class folders (first: {short(reader.names[stray[0]])})"
        )
    return None
