"""NumPy files of strangers: headers are checked against the real size before anything is allocated, pickles refused."""

from __future__ import annotations

import lzma
import math
import stat
import zipfile
import zlib
from functools import partial
from tokenize import TokenError
from typing import IO, TYPE_CHECKING

import numpy as np

from gan_probe.data.archives import check_ratio
from gan_probe.data.arrays import Keyed
from gan_probe.data.memory import check_memory
from gan_probe.data.names import short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

# what NumPy's parser, which evaluates the header as a Python literal, was seen to raise or can
_BAD_HEADER = (ValueError, TypeError, KeyError, SyntaxError, TokenError, RecursionError, MemoryError, OverflowError)
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def npz_arrays(path: Path) -> Keyed:
    """The arrays of an `.npz`, each read and checked when it is asked for."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadInputError(f"{short(path)}: damaged, or not an .npz: {short(error)}") from None
    return Keyed(str(path), {info.filename.removesuffix(".npy"): partial(_member, path, info) for info in members})


def folder_arrays(path: Path) -> Keyed:
    """The `.npy` files of a folder, memory-mapped when they are asked for; links are not followed."""
    files = sorted(p for p in path.glob("*.npy") if stat.S_ISREG(p.lstat().st_mode))
    return Keyed(str(path), {file.stem: partial(_mapped, file) for file in files})


def _member(path: Path, info: zipfile.ZipInfo) -> np.ndarray:
    where = f"{short(path)}: {short(info.filename, 30)}"
    if info.flag_bits & 1:
        raise BadInputError(f"{where} is encrypted: store it without a password")
    check_ratio(info.file_size, info.compress_size, where)
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(info) as stream:
                nbytes = _check_header(stream, info.file_size, where)
            check_memory(nbytes, where)
            with archive.open(info) as stream:
                array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
                # zipfile compares the checksum only at the member's end
                stream.read(1)
                return array
    except _DAMAGE as error:
        raise BadInputError(f"{where} is damaged: {short(error)}") from None


def _mapped(file: Path) -> np.ndarray:
    where = short(file)
    try:
        with file.open("rb") as stream:
            _check_header(stream, file.stat().st_size, where)
        array: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise BadInputError(f"{where} is damaged: {short(error)}") from None
    return array


def _check_header(stream: IO[bytes], size: int, where: str) -> int:
    """Compare what an .npy header claims with the `size` of its file; returns the array's bytes."""
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(stream)
    except _BAD_HEADER as error:
        raise BadInputError(f"{where} is no .npy array: {short(error)}") from None
    if dtype.hasobject:
        raise BadInputError(f"{where} holds Python objects, which could run code: store plain numbers or text")
    nbytes = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or stream.tell() + nbytes != size:
        raise BadInputError(
            f"{where} claims shape {short(shape, 40)} of {dtype}, which does not fit its {size:,} bytes"
        )
    return nbytes
