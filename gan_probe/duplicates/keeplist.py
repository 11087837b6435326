"""Keep-lists: which images of a set to train on, in a file that knows its set again."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.encoded import EncodedPixels
from gan_probe.data.identity import listing_fingerprint, positions
from gan_probe.data.names import printable, short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from gan_probe.data import Split

MARK = "# gan-probe keep-list 1"
SIDE, CHANNELS = 32, 3  # what the fingerprint of arrays is taken at


def fingerprint(split: Split) -> str:
    """What a split is known by in a keep-list, whatever its labels: its files' names and sizes, or its pixels."""
    return listing_fingerprint(dataclasses.replace(split, labels=None), SIDE, CHANNELS)


def name_of(split: Split, position: int) -> str:
    """The file's name of the image at a position of the split; of arrays, its number."""
    if isinstance(split.pixels, EncodedPixels):
        return printable(split.pixels.reader.names[positions(split)[position]])
    return f"image {position}"


def keep_list(split: Split, kept: np.ndarray) -> bytes:
    """The file that keeps the images of the split at the positions `kept` (K,), in their order.

    Comments name the set, its fingerprint and its size; then a line for each image kept: its position from 0, and for
    files a tab and the name.
    """
    lines = [
        MARK,
        f"# set: {printable(split.name)}",
        f"# fingerprint: {fingerprint(split)}",
        f"# kept: {len(kept)} of {len(split)}",
    ]
    named = isinstance(split.pixels, EncodedPixels)
    lines += [f"{position}\t{name_of(split, position)}" if named else str(position) for position in kept.tolist()]
    return ("\n".join(lines) + "\n").encode()


def read_keep_list(path: Path, split: Split) -> tuple[Split, dict[str, Any]]:
    """The split's images that the file keeps, and what a card says of it: file, sha256, images kept and of how many.

    Raises BadInputError where the file cannot be read, is no keep-list, or is one of another set.
    """
    where = f"--keep-list {short(path, 40)}"
    try:
        content = path.read_bytes()
        lines = content.decode().splitlines()
    except OSError as error:
        raise BadInputError(f"{where}: cannot read it: {error.strerror}") from None
    except UnicodeDecodeError:
        lines = []
    if not lines or lines[0] != MARK:
        raise BadInputError(f"{where} is no keep-list: pass the keep-list.txt of `gan-probe run --plugin dedup`")
    said = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# ") and ": " in line)
    if said.get("fingerprint") != fingerprint(split):
        made_of = short(said.get("set", "an unnamed set"), 40)
        raise BadInputError(
            f"{where} was made of {made_of}, which is not this {short(split.name, 40)}, or has changed since: "
            "run dedup on it anew"
        )
    try:
        kept = np.array([int(line.split("\t", 1)[0]) for line in lines if not line.startswith("#")], np.int64)
    except (ValueError, OverflowError):
        raise BadInputError(f"{where}: a line does not begin with a whole number: make it anew with dedup") from None
    if not len(kept) or kept.min() < 0 or kept.max() >= len(split) or (np.diff(kept) <= 0).any():
        raise BadInputError(f"{where}: its numbers must rise, from 0 to {len(split) - 1}: make it anew with dedup")
    sha256 = hashlib.sha256(content).hexdigest()
    return split.subset(kept), {"file": printable(path.name), "sha256": sha256, "kept": len(kept), "of": len(split)}
