"""Networks as the arrays of an `.npz`, under PyTorch's names or Chainer's; arrays only, no pickle is ever loaded.

Chainer's kernels have torch's layouts, so that its arrays differ from a state dict's in name alone.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np

LEAVES = {
    "W": "weight",
    "b": "bias",
    "gamma": "weight",
    "beta": "bias",
    "avg_mean": "running_mean",
    "avg_var": "running_var",
}
CHAINER_EPS = 2e-5
# what a snapshot of Chainer's trainer keeps beside its models
MODEL = re.compile(r"^updater/model:")
MOST_ARRAYS, MOST_BYTES = 2000, 2**31


def recognised(path: Path) -> bool:
    """Whether the file is a zip archive of .npy arrays."""
    return any(name.endswith(".npy") for name in _names(path))


def by_chainer(path: Path) -> bool:
    """Whether its arrays bear Chainer's names: its batch norms then add Chainer's eps to the variance."""
    return any(name.endswith(("/W.npy", "/avg_mean.npy")) for name in _names(path))


def read(path: Path) -> tuple[Any, str]:
    """The arrays as a state dict of tensors on the CPU, in the file's order, and the file's sha256.

    Of a trainer's snapshot the models alone are read. Raises BadInputError for damaged members, objects, and headers
    that claim more than the file holds.
    """
    import torch

    from gan_probe.data.names import short
    from gan_probe.data.npy import npz_arrays

    arrays = npz_arrays(path).arrays
    wanted = [name for name in arrays if MODEL.match(name)] or list(arrays)
    if len(wanted) > MOST_ARRAYS:
        raise BadInputError(f"it holds {len(wanted):,} arrays: no GAN")
    if any(name.endswith("/kernel") for name in wanted):
        raise BadInputError("its arrays have TensorFlow's names, without strides and paddings; save .keras, or as ONNX")
    state: dict[str, torch.Tensor] = {}
    left = MOST_BYTES
    for name in wanted:
        if name.endswith("/N"):  # Chainer's counter of batches, which nothing here reads
            continue
        try:
            array = arrays[name]()
        except BadInputError as error:  # the caller names the file
            raise BadInputError(str(error).removeprefix(f"{short(path)}: ")) from error
        left -= array.nbytes
        if left < 0:
            raise BadInputError(f"its arrays take more than {MOST_BYTES:,} bytes: no GAN; not opened")
        key = renamed(name)
        if key in state:
            raise BadInputError(one_line(f"it holds {key} twice; save it again"))
        state[key] = torch.from_numpy(_numbers(name, array))
    if by_chainer(path):
        for unused in [*_never_ran(state)]:
            for leaf in ("weight", "bias", "running_mean", "running_var"):
                state.pop(f"{unused}.{leaf}", None)
    with path.open("rb") as file:
        return state, hashlib.file_digest(file, "sha256").hexdigest()


def renamed(name: str) -> str:
    """PyTorch's name of an array: `updater/model:gen/bn0/avg_mean` is `gen.bn0.running_mean`."""
    owner, _, leaf = MODEL.sub("", name).replace("/", ".").rpartition(".")
    return f"{owner}.{LEAVES.get(leaf, leaf)}".lstrip(".")


def _numbers(name: str, array: np.ndarray) -> np.ndarray:
    import numpy as np

    if array.dtype.kind not in "fiu":
        raise BadInputError(one_line(f"its array {name[-60:]!r} is {array.dtype}; weights must be numbers"))
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _never_ran(state: dict[str, Any]) -> Iterable[str]:
    """Norms that a class declares and never calls: statistics and gain are all as they were made."""
    for name in [key.removesuffix(".running_mean") for key in state if key.endswith(".running_mean")]:
        variance, gain = state.get(f"{name}.running_var"), state.get(f"{name}.weight")
        fresh = not state[f"{name}.running_mean"].any() and variance is not None and not variance.diff().any()
        if fresh and (gain is None or bool((gain == 1).all())):
            yield name


def _names(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return []
