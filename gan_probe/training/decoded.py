"""Images decoded once and kept on disk, memory-mapped, for training in several epochs."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import numpy as np
import PIL

from gan_probe.data.arrays import ArrayPixels
from gan_probe.data.decoders import CHUNK, Decoders, default_workers
from gan_probe.data.encoded import EncodedPixels, check_damage
from gan_probe.data.identity import content_stamp, positions
from gan_probe.data.model import Skipped
from gan_probe.data.names import printable
from gan_probe.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gan_probe.data import Split
    from gan_probe.data.model import Progress
    from gan_probe.features.store import FeatureStore

RULE = 1  # raised when `data.fit` changes
SHARE = 0.5  # of the free disk; the rest is the user's


def decoded(split: Split, image_size: int, channels: int, store: FeatureStore, progress: Progress | None) -> Split:
    """The split with its readable images as one array on disk, made now or found in the store.

    A row of the store is an image (H * W * C values) and 1 where it could be read. OutputError where the disk has no
    room, or the images tell no change of theirs by which they could be found again. BadInputError as `Split.load`.
    """
    stamp, pixels = content_stamp(split), split.pixels
    if stamp is None or not isinstance(pixels, EncodedPixels):
        raise OutputError(f"{split.name} is stored as arrays already, or its files tell no time of change")
    values = image_size**2 * channels
    needed, free = len(split) * (values + 1), _free(store)
    key = {"images": stamp, "size": image_size, "channels": channels, "rule": RULE, "pillow": PIL.__version__}
    if needed > SHARE * free and not store.holds(key):
        raise OutputError(f"they would take {needed / 1e9:.1f} GB on disk, more than half of the {free / 1e9:.1f} free")
    reader, indices = pixels.reader, positions(split)
    damaged: dict[int, str] = {}

    def blocks() -> Iterator[np.ndarray]:
        chunks = [indices[i : i + CHUNK] for i in range(0, len(indices), CHUNK)]
        addresses = ([reader.address(index) for index in chunk.tolist()] for chunk in chunks)
        done = 0
        with Decoders(reader.place, image_size, channels, default_workers()) as decoders:
            for images, outcomes in decoders.decode(addresses):
                rows = np.ones((len(images), values + 1), np.uint8)
                rows[:, :-1] = images.reshape(len(images), values)
                for position, fault, _ in outcomes:
                    if fault:
                        damaged[done + position] = fault
                        rows[position] = 0
                check_damage(damaged, len(indices), lambda position: reader.names[indices[position]], split.name)
                done += len(images)
                if progress is not None:
                    progress(done, len(indices), f"decoding {split.name}, once")
                yield rows

    columns = [("pixels", 0, values), ("readable", values, values + 1)]
    about = {"what": "images", "of": split.name, "at": f"{image_size}x{image_size}x{channels}"}
    rows, _, _ = store.get(key, lambda: (columns, blocks()), rows=len(split), dtype="uint8", about=about)
    readable = rows[:, -1] == 1
    skipped = (
        Skipped(printable(reader.names[indices[i]]), damaged.get(i, "could not be read when the images were decoded"))
        for i in np.flatnonzero(~readable).tolist()
    )
    images = rows[:, :-1].reshape(len(split), image_size, image_size, channels)
    kept = np.flatnonzero(readable)
    return dataclasses.replace(
        split,
        pixels=ArrayPixels(images, split.name),
        indices=kept,
        labels=None if split.labels is None else split.labels[kept],
        skipped=split.skipped + tuple(skipped),
    )


def _free(store: FeatureStore) -> int:
    folder = store.root
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
