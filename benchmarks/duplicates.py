"""`dedup`'s second stage on samples whose duplicates are known: images, and copies of some of them made here.

    python benchmarks/duplicates.py [DATA ...] [--images N] [--copies N] [--sheet PNG]

Of every set N images are taken, and of its first ones copies are made: moved by a pixel, saved as JPEG, brightened. A
flagged image is right if it is a copy that was matched with its original; anything else counts as wrong, so that
duplicates that a set holds of itself count against the search. `--sheet` draws the wrong pairs, to be looked at. The
last line is JSON: copies, found, flagged and wrong of each set.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import gan_probe
from gan_probe.duplicates.groups import left_out
from gan_probe.duplicates.planted import EDITS
from gan_probe.duplicates.search import NearDuplicates

KINDS = ("shift by 1 px", "JPEG, quality 75", "brightness x 1.2 or / 1.2")
SHOWN = 50  # wrong pairs on a sheet


def measure(spec: str, n: int, copies: int) -> tuple[dict[str, Any], np.ndarray]:
    """What is found in one set, and the wrong pairs side by side, (P, H, 2 W, 3) uint8."""
    rng = np.random.default_rng(0)
    split = gan_probe.open_data(spec).train_test(rng)[0].take(n, rng)
    images = split.load(32, 3).images
    planted = np.concatenate([EDITS[kind](images[i * copies : (i + 1) * copies]) for i, kind in enumerate(KINDS)])
    every = np.concatenate([images, planted])
    search = NearDuplicates(every)
    pairs = left_out(search.groups())  # (P, 2), the first of which is kept
    right = pairs[:, 1] - len(images) == pairs[:, 0]
    kind = (pairs[right, 1] - len(images)) // copies
    result = {
        "images": len(images),
        "copies": len(planted),
        "found": {name: int((kind == i).sum()) for i, name in enumerate(KINDS)},
        "flagged": len(pairs),
        "wrong": int((~right).sum()),
        "agreement": round(float(search.limit), 3),
    }
    wrong = pairs[~right]
    return result, np.concatenate([every[wrong[:, 0]], every[wrong[:, 1]]], axis=2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", default=["toy-rooms", "toy-faces"])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--copies", type=int, default=200, help="of each kind")
    parser.add_argument("--sheet", type=Path, help="a PNG of the wrong pairs")
    chosen = parser.parse_args()
    results, sheets = {}, []
    for spec in chosen.data:
        results[spec], wrong = measure(spec, chosen.images, chosen.copies)
        sheets.append(wrong[:SHOWN])
        print(f"{spec}: {results[spec]}")
    if chosen.sheet is not None and sum(map(len, sheets)):
        Image.fromarray(np.concatenate([pair for sheet in sheets for pair in sheet])).save(chosen.sheet)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
