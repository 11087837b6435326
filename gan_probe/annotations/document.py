"""A JSON document of annotations: read, and held against the checkpoint and the seed that it was made on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.gan import Card

LARGEST_FILE = 64 * 2**20  # bytes
MOST_SAMPLES = 100_000  # an analysis draws the samples up to the last one that is named
LONGEST_NAME = 100


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file; BadInputError, which does not name the file, says why there is none."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInputError(f"over {LARGEST_FILE >> 20} MiB: too large for annotations")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"it cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise BadInputError("it is not JSON: mend it, or take it away") from None
    if not isinstance(document, dict):
        raise BadInputError("it is JSON, but no object of named parts: these are no annotations")
    return document


def check_origin(checkpoint: object, known_seed: object, card: Card, seed: int | None) -> None:
    """Raise BadInputError where annotations say that they were made on another checkpoint or with another seed."""
    if checkpoint != card.sha256:
        raise BadInputError(
            f"made on another checkpoint, sha256 {one_line(checkpoint, 12)}, not {card.sha256[:11]}…: pass that one"
        )
    if seed is not None and known_seed != seed:
        raise BadInputError(f"made on the samples of seed {one_line(known_seed, 20)}: pass --seed with that number")


def check_seed(seed: object) -> int:
    """The seed, a whole number from 0; BadInputError for anything else."""
    if type(seed) is not int or seed < 0:
        raise BadInputError(f"its seed is {one_line(repr(seed), 40)}, not a whole number from 0")
    return seed


def check_index(index: object) -> int:
    """A sample's number, from 0; BadInputError for anything else."""
    if type(index) is not int or not 0 <= index < MOST_SAMPLES:
        raise BadInputError(
            f"it names sample {one_line(repr(index), 40)}: give whole numbers from 0 to {MOST_SAMPLES - 1}"
        )
    return index


def check_name(name: object) -> str:
    """The name of an object or a concept: printable, not empty, at most 100 characters; BadInputError else."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BadInputError(
            f"it has the name {one_line(repr(name), 60)}: names are printable, of 1 to {LONGEST_NAME} characters"
        )
    return name
