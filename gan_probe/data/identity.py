"""What names a set of images before they are decoded: for reports, and for what is kept of them on disk."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.arrays import ArrayPixels
from gan_probe.data.encoded import EncodedPixels

if TYPE_CHECKING:
    from gan_probe.data.model import Split

BLOCK = 4096
LOOKED_AT = 64


def listing_fingerprint(split: Split, image_size: int, channels: int) -> str:
    """A name for what a split gives at that size, with a word on how far it can be trusted; nearly nothing is decoded.

    `names-and-sizes:` and a SHA-256 over the images' names and sizes in bytes, in order, and the labels: equal for
    copies of the same files, and blind to a change that keeps a file's size. `sample:` and the same over 64 decoded
    images evenly spread, where a plugin's pixels tell neither. Of stored arrays it is the exact `Images.fingerprint`.
    """
    indices = positions(split)
    digest = hashlib.sha256(repr((len(indices), image_size, image_size, channels)).encode())
    if isinstance(split.pixels, EncodedPixels):
        kind, reader = "names-and-sizes", split.pixels.reader
        for index, (size, _) in zip(indices.tolist(), reader.stamps(indices), strict=True):
            digest.update(f"{reader.names[index]}\0{size}\0".encode("utf-8", "surrogatepass"))
    elif isinstance(split.pixels, ArrayPixels):
        kind = ""
        for start in range(0, len(indices), BLOCK):
            block = split.pixels.load(indices[start : start + BLOCK], image_size, channels, split.name, None)
            digest.update(block.images.data)
    else:
        kind = "sample"
        spread = np.unique(np.linspace(0, len(indices) - 1, LOOKED_AT).astype(np.int64))
        digest.update(split.pixels.load(indices[spread], image_size, channels, split.name, None).images.data)
    if split.labels is not None:
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    return f"{kind}:{digest.hexdigest()}".lstrip(":")


def identity_of(split: Split, n: int, image_size: int, channels: int) -> str:
    """What names a split of which `n` images can be read, however they are read: its listing, and that number."""
    return f"{n} of {listing_fingerprint(split, image_size, channels)}"


def content_stamp(split: Split) -> str | None:
    """A SHA-256 over names, sizes, and times of change or checksums: any file changes it. None where none is told."""
    if not isinstance(split.pixels, EncodedPixels):
        return None
    digest = hashlib.sha256()
    reader, indices = split.pixels.reader, positions(split)
    for index, stamp in zip(indices.tolist(), reader.stamps(indices), strict=True):
        digest.update(f"{reader.names[index]}\0{stamp}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def positions(split: Split) -> np.ndarray:
    """The indices (N,) of a split's images among its pixels."""
    return np.arange(len(split)) if split.indices is None else split.indices
