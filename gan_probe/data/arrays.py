"""Arrays as data: which keys hold what, and the checks that images and labels must pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.fit import fit_arrays
from gan_probe.data.labels import encode
from gan_probe.data.model import Data, Loaded, Split
from gan_probe.data.names import short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gan_probe.data.model import Progress

BLOCK = 1024  # rows fitted at once


class ArrayPixels:
    """Images (N, H, W, C) or (N, H, W) uint8 in memory or on disk; BadInputError names anything else."""

    def __init__(self, images: np.ndarray, where: str) -> None:
        if images.dtype != np.uint8:
            raise BadInputError(f"{where}: images are {images.dtype}, not uint8: store them as uint8 in 0..255")
        if images.ndim == 3:
            images = images[..., np.newaxis]
        if images.ndim != 4 or images.shape[3] not in (1, 3):
            raise BadInputError(
                f"{where}: images have shape {images.shape}: store (N, H, W), (N, H, W, 1) or (N, H, W, 3)"
            )
        if 0 in images.shape:
            raise BadInputError(f"{where}: no images, shape {images.shape}")
        self.images = images.view()
        self.images.flags.writeable = False  # all analyses of a run read it

    def __len__(self) -> int:
        return len(self.images)

    def load(self, indices: np.ndarray, image_size: int, channels: int, what: str, progress: Progress | None) -> Loaded:
        """Fit the images at `indices`, block by block; none is ever skipped."""
        total = len(indices)
        images = np.empty((total, image_size, image_size, channels), dtype=np.uint8)
        for start in range(0, total, BLOCK):
            block = slice(start, start + BLOCK)
            images[block] = fit_arrays(self.images[indices[block]], image_size, channels)
            if progress is not None:
                progress(min(start + BLOCK, total), total, f"reading {what}")
        return Loaded(images, np.arange(total))

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """The shape of one image, for each."""
        height, width, channels = self.images.shape[1:]
        return [(height, width, channels)] * len(indices)


@dataclass(frozen=True)
class Keyed:
    """Named arrays, read on demand; `where` names them in messages."""

    where: str
    arrays: Mapping[str, Callable[[], np.ndarray]]


def keyed_data(name: str, keyed: Keyed, key: str | None) -> Data:
    """A set of named arrays: `images` and `labels`, or `train_images`, `train_labels`, `test_images`, `test_labels`.

    `key` names another array of labels (`pose`; with splits, `train_pose` and `test_pose`). Labels are integers or
    text; classes are their distinct values, sorted.
    """
    arrays, where = keyed.arrays, short(keyed.where)
    if "train_images" in arrays:
        prefixes = ["train_", "test_"] if "test_images" in arrays else ["train_"]
    elif "images" in arrays:
        prefixes = [""]
    else:
        found = short(", ".join(arrays) or "nothing", 60)
        raise BadInputError(f"{where}: needs 'images', or 'train_images' and 'test_images'; it holds {found}")
    others = _other_labels(arrays, prefixes)
    if key is not None and prefixes[0] + key not in arrays:
        choices = short(", ".join(others) or "none", 60)
        raise BadInputError(f"{where}: no labels {short(key, 30)!r}; choose --labels from: {choices}")
    label_keys = [f"{prefix}{key or 'labels'}" for prefix in prefixes]
    pixels = [ArrayPixels(arrays[f"{prefix}images"](), f"{where}: {prefix}images") for prefix in prefixes]
    raw = [_checked_labels(arrays[k](), f"{where}: {short(k, 30)}") if k in arrays else None for k in label_keys]
    ids, classes = encode(raw)
    notes: tuple[str, ...] = ()
    if raw[0] is None and others:
        notes = (f"no labels were chosen; there are: {', '.join(others)} (--labels)",)
    splits = [
        Split(f"{name} {prefix.rstrip('_')}".strip(), images, labels, classes, notes=notes)
        for prefix, images, labels in zip(prefixes, pixels, ids, strict=True)
    ]
    return Data(name, splits[0], splits[1] if len(splits) > 1 else None, f"arrays of {where}")


def _other_labels(arrays: Mapping[str, Callable[[], np.ndarray]], prefixes: list[str]) -> list[str]:
    return [
        key.removeprefix(prefixes[0]) for key in arrays if key.startswith(prefixes[0]) and not key.endswith("images")
    ]


def _checked_labels(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.ndim != 1:
        raise BadInputError(f"{where}: labels have shape {labels.shape}, not (N,): store one label an image")
    if labels.dtype.kind not in "iubUS":
        raise BadInputError(f"{where}: labels are {labels.dtype}: store them as integers or text")
    return labels
