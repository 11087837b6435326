"""CelebA: torchvision reads its index files (text, pinned by MD5), the images are decoded as any other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.encoded import EncodedPixels
from gan_probe.data.folders import FolderReader
from gan_probe.data.model import Data, Split
from gan_probe.data.names import short
from gan_probe.data.torchvision_sets import read
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.data.sources import DataRequest


def celeba(request: DataRequest) -> Data:
    """Aligned and cropped CelebA faces, its own training and test splits (the validation split is left out).

    Unlabelled, unless `labels` names one of the 40 attributes (`Smiling`): classes are then `no` and `yes`.
    """
    from torchvision import datasets

    root = str(request.folder)
    splits = {
        split: read(
            "celeba",
            "celeba folder",
            request,
            partial(datasets.CelebA, root, split=split, download=request.download),
        )
        for split in ("train", "test")
    }
    folder = request.folder / "celeba" / "img_align_celeba"
    train, test = (_split(f"celeba {name}", dataset, folder, request.labels) for name, dataset in splits.items())
    return Data("celeba", train, test, "aligned and cropped faces; the validation split is left out")


def _split(name: str, dataset: Any, folder: Path, attribute: str | None) -> Split:
    pixels = EncodedPixels(FolderReader(folder, list(dataset.filename)))
    if attribute is None:
        return Split(name, pixels, notes=("no labels were chosen: --labels takes an attribute, such as Smiling",))
    attributes = [a for a in dataset.attr_names if a]
    if attribute not in attributes:
        raise BadInputError(
            f"celeba has no attribute {short(attribute, 30)!r}; one is {attributes[0]!r}: see list_attr_celeba.txt"
        )
    labels = np.asarray(dataset.attr)[:, attributes.index(attribute)].astype(np.int64)
    return Split(name, pixels, labels, ("no", "yes"))
