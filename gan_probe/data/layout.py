"""What a tree of image files means: which folders are splits, and which are classes."""

from __future__ import annotations

from array import array
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
    from collections.abc import Callable, Iterator, Sequence

    from gan_probe.data.encoded import Reader
    from gan_probe.data.model import Skipped

TRAIN = ("train", "training")
TEST = ("test", "testing", "val", "valid", "validation")  # the first that is there


class Tags:
    """A class for each image, as a number into `values`, or -1: what folders, names or files beside the images say."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self._codes = array("i")

    def put(self, start: int, stop: int, value: str | None) -> None:
        """Give the images from `start` up to `stop` a class; they come in order."""
        code = -1 if value is None else self.values.setdefault(value, len(self.values))
        self._codes.extend([code] * (stop - start))

    @property
    def codes(self) -> np.ndarray:
        """The numbers (N,)."""
        return np.frombuffer(self._codes, np.int32) if self._codes else np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one split: its name, their indices (n,), and each one's class (n,) as a number into `values`, or -1."""

    name: str
    indices: np.ndarray
    codes: np.ndarray
    values: Sequence[str]


def image_data(
    name: str,
    where: str,
    reader: Reader,
    skipped: tuple[Skipped, ...],
    labels: str | None,
    *,
    placed: Sequence[str] | None = None,
    tags: Tags | None = None,
) -> Data:
    """A set of the image files of a folder or an archive.

    Folders `train` and `test` (or `val`) at the top are splits, unless others stand beside them; below, the first
    folder is the class. Files are unlabelled unless all of a split lie in class folders. `placed` are other names to
    arrange them by, and `tags` classes that hold instead of the folders. `labels` replaces either (see
    `labels.labeller`): files to which it gives none are left out, with a note.
    """
    where = short(where)
    if not reader.names:
        links = f" ({len(skipped)} links or special files were skipped)" if skipped else ""
        raise BadInputError(f"{where}: no images{links}; expected files such as {', '.join(SUFFIXES[:3])}")
    parts, notes = arrange(reader.names if placed is None else placed)
    if tags is not None:
        parts = [Part(p.name, p.indices, tags.codes[p.indices], list(tags.values)) for p in parts]
    if labels is not None:
        label = labeller(labels)
        parts = [_labelled(part, reader, label, notes) for part in parts]
        if not len(parts[0].indices):
            raise BadInputError(
                f"{where}: --labels {short(labels, 40)!r} labels no file; the first is {short(reader.names[0], 40)}"
            )
    numbered, classes = _numbered(parts, reader, notes)
    pixels = EncodedPixels(reader)
    splits = [
        Split(
            f"{name} {part.name}".strip(),
            pixels,
            number,
            classes if number is not None else (),
            part.indices,
            skipped if part is parts[0] else (),
            tuple(notes) if part is parts[0] else (),
        )
        for part, number in zip(parts, numbered, strict=True)
        if len(part.indices)
    ]
    return Data(name, splits[0], splits[1] if len(splits) > 1 else None, f"image files of {where}")


def arrange(names: Sequence[str]) -> tuple[list[Part], list[str]]:
    """Find splits and class folders in relative names; returns the training part, the test part if any, and notes."""
    every = np.arange(len(names))
    around = 0  # letters of the folders around everything, which are packaging
    for folder, other in zip(_folders(min(names)), _folders(max(names)), strict=False):
        if folder != other or _is_split(folder):
            break
        around += len(folder) + 1
    whole = _part("", names, every, around)
    tops = {top: every[whole.codes == code] for code, top in enumerate(whole.values)}
    if len(outside := every[whole.codes == -1]):
        tops[""] = outside
    train = next((top for known in TRAIN for top in tops if top.lower() == known), None)
    test = next((top for known in TEST for top in tops if top.lower() == known), None)
    others = [top for top in tops if top and not _is_split(top)]  # then `train` is a class, as in CIFAR-100
    if others or (train is None and (test is None or len(tops) > 1)):
        return [whole], []
    chosen = [top for top in (train, test) if top is not None]
    notes = [
        f"{len(tops[top])} images in {short(top, 40) or 'the top folder'} left out: the splits are {', '.join(chosen)}"
        for top in tops
        if top not in chosen
    ]
    return [_part(top, names, tops[top], around + len(top) + 1) for top in chosen], notes


def _folders(name: str) -> list[str]:
    return name.split("/")[:-1]


def _is_split(folder: str) -> bool:
    return folder.lower() in TRAIN + TEST


def _part(name: str, names: Sequence[str], indices: np.ndarray, at: int) -> Part:
    """The images at `indices`, whose classes are the folders that begin at letter `at`."""
    values: dict[str, int] = {}

    def codes() -> Iterator[int]:
        for index in indices.tolist():
            folder, slash, _ = names[index][at:].partition("/")
            yield values.setdefault(folder, len(values)) if slash else -1

    return Part(name, indices, np.fromiter(codes(), np.int32, len(indices)), list(values))


def _labelled(part: Part, reader: Reader, label: Callable[[str], str | None], notes: list[str]) -> Part:
    tags = Tags()
    for position, index in enumerate(part.indices.tolist()):
        tags.put(position, position + 1, label(reader.names[index]))
    known = tags.codes >= 0
    if len(lost := part.indices[~known]):
        notes.append(
            f"{len(lost)} of {len(part.indices)} files have no label under --labels and were left "
            f"out (first: {short(reader.names[lost[0]])})"
        )
    return Part(part.name, part.indices[known], tags.codes[known], list(tags.values))


def _numbered(
    parts: Sequence[Part], reader: Reader, notes: list[str]
) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Labels (n,) int64 of each part, None for one with an image that has none, and the classes' names."""
    found: list[np.ndarray | None] = []
    for part in parts:
        stray = part.indices[part.codes < 0]
        if 0 < len(stray) < len(part.indices):
            notes.append(f"no labels: {len(stray)} images are in no class (first: {short(reader.names[stray[0]])})")
        # the values of this part alone: a shared table may hold others
        found.append(None if len(stray) else np.array([part.values[code] for code in np.unique(part.codes)]))
    numbers, classes = encode(found)
    labels: list[np.ndarray | None] = []
    for part, number in zip(parts, numbers, strict=True):
        labels.append(None if number is None else number[np.unique(part.codes, return_inverse=True)[1]])
    return labels, classes
