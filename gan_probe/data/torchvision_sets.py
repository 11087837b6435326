"""The standard sets that torchvision's classes read, and why that is safe.

CIFAR's files are pickles, which can run code: torchvision compares the MD5 of every one with its pinned list before it
unpickles the first, so only the published bytes are ever unpickled (a second file of the same MD5 cannot be made
today; collisions, which can, need a hand in the original). SVHN's `.mat` files are pinned likewise. MNIST's and
Fashion-MNIST's raw files are plain arrays and, in folders of old torchvision versions, tensors read with
`weights_only=True`; neither runs code, and what comes out is checked like any stranger's array.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.model import Data, Split
from gan_probe.data.names import short
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe.data.sources import DataRequest


@dataclass(frozen=True)
class Reader:
    """A torchvision class: its name, the arguments of each split, and the file or folder it looks for."""

    cls: str
    train: dict[str, Any]
    test: dict[str, Any]
    looks_for: str


_BY_FLAG = ({"train": True}, {"train": False})
READERS = {
    "cifar10": Reader("CIFAR10", *_BY_FLAG, "cifar-10-batches-py"),
    "cifar100": Reader("CIFAR100", *_BY_FLAG, "cifar-100-python"),
    "svhn": Reader("SVHN", {"split": "train"}, {"split": "test"}, "train_32x32.mat"),
    "mnist": Reader("MNIST", *_BY_FLAG, "MNIST/raw"),
    "fashion-mnist": Reader("FashionMNIST", *_BY_FLAG, "FashionMNIST/raw"),
}


def open_set(name: str, request: DataRequest) -> Data:
    """Open one of `READERS` under the request's folder; BadInputError if it is not there, or not the published one."""
    if request.labels is not None:
        raise BadInputError(f"{name} has one set of labels: leave out --labels")
    reader = READERS[name]
    from torchvision import datasets

    cls = getattr(datasets, reader.cls)
    train = read(
        name, reader.looks_for, request, lambda: cls(_root(request), download=request.download, **reader.train)
    )
    test = read(name, reader.looks_for, request, lambda: cls(_root(request), download=request.download, **reader.test))
    classes = tuple(getattr(train, "classes", "0123456789"))
    return Data(name, _split(f"{name} train", train, classes), _split(f"{name} test", test, classes))


def read(name: str, looks_for: str, request: DataRequest, construct: Callable[[], Any]) -> Any:
    """Call a torchvision constructor; whatever it finds wrong becomes one line that says what to do."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torchvision prints while it downloads
            return construct()
    except (RuntimeError, OSError, AssertionError, ValueError, TypeError, LookupError, EOFError) as error:
        reason = one_line(error, 60).rstrip(". ")
        if request.download:
            raise BadInputError(f"cannot download {name} to {short(request.folder, 40)}: {reason}") from None
        raise BadInputError(
            f"{name}: no intact {looks_for} in {short(request.folder, 40)}: "
            "pass --download, or the folder that holds it as --data-root"
        ) from None


def _root(request: DataRequest) -> str:
    return str(request.folder)


def _split(name: str, dataset: Any, classes: tuple[str, ...]) -> Split:
    images = np.asarray(dataset.data)
    if dataset.__class__.__name__ == "SVHN":
        images = images.transpose(0, 2, 3, 1)  # (N, C, H, W)
    labels = np.asarray(getattr(dataset, "targets", getattr(dataset, "labels", None)), dtype=np.int64)
    if labels.ndim != 1 or labels.min(initial=0) < 0 or labels.max(initial=0) >= len(classes):
        raise BadInputError(f"{name}: labels are not numbers below {len(classes)}: fetch the set again with --download")
    return Split.from_arrays(name, images, labels, classes)
