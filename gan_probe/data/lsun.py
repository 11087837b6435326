"""LSUN's LMDB databases, read directly: torchvision's class would unpickle a cache that lies in the data folder."""

from __future__ import annotations

import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.encoded import EncodedPixels
from gan_probe.data.model import Data, Split
from gan_probe.data.names import printable, short
from gan_probe.data.packed import PackedNames, Prefixed
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gan_probe.data.sources import DataRequest


@dataclass(frozen=True)
class Databases:
    """LMDB databases, whose images are addressed by (database, key)."""

    folders: Sequence[Path]

    @contextmanager
    def opened(self) -> Iterator[Callable[[tuple[int, bytes]], bytes]]:
        """Open every database for reading; a transaction of its own for each image makes threads safe."""
        with ExitStack() as stack:
            environments = [stack.enter_context(_environment(folder)) for folder in self.folders]

            def read(address: tuple[int, bytes]) -> bytes:
                database, key = address
                with environments[database].begin() as transaction:
                    content: bytes = transaction.get(key)
                    return content

            yield read


@dataclass(frozen=True, eq=False)
class LmdbReader:
    """Encoded images in databases."""

    folders: Sequence[Path]
    keys: Sequence[str]  # their bytes as Latin-1, which has a character for each
    database: np.ndarray  # (N,) into folders

    @cached_property
    def names(self) -> Sequence[str]:
        """The folder and the key of each image."""
        return Prefixed([f"{folder.name}/" for folder in self.folders], self.database, self.keys)

    @property
    def place(self) -> Databases:
        """The databases."""
        return Databases(self.folders)

    def address(self, index: int) -> tuple[int, bytes]:
        """The number of the image's database, and its key there."""
        return int(self.database[index]), self.keys[index].encode("latin-1")

    def stamps(self, indices: np.ndarray) -> Iterator[tuple[int, int]]:
        """The size of each image's database and the time of its last change: its own would have to be looked for."""
        status = [(folder / "data.mdb").stat() for folder in self.folders]
        for index in indices.tolist():
            found = status[self.database[index]]
            yield found.st_size, found.st_mtime_ns


def lsun(request: DataRequest) -> Data:
    """LSUN scenes from the `<category>_train_lmdb` and `<category>_val_lmdb` folders that are there.

    Labels are the categories; the validation databases (300 images each) are the test split.
    """
    if request.labels is not None:
        raise BadInputError("lsun is labelled by its categories: leave out --labels")
    root = request.folder
    found = {part: _folders(root, f"_{part}_lmdb") for part in ("train", "val")}
    if not found["train"] and not found["val"]:
        step = "pass its folder" if not request.download else "fetch it from lsun.cs.princeton.edu and pass its folder"
        raise BadInputError(f"lsun: no bedroom_train_lmdb or the like in {short(root, 40)}: {step} as --data-root")
    categories = sorted({name for folders in found.values() for name in folders})
    splits = [_split(f"lsun {part}", folders, categories) for part, folders in found.items() if folders]
    return Data("lsun", splits[0], splits[1] if len(splits) > 1 else None, f"categories: {', '.join(categories)}")


def _folders(root: Path, ending: str) -> dict[str, Path]:
    try:
        folders = sorted(root.glob(f"*{ending}"))
        return {
            folder.name.removesuffix(ending): folder
            for folder in folders
            # lstat: neither a link nor a FIFO in place of the data base
            if stat.S_ISDIR(folder.lstat().st_mode) and stat.S_ISREG((folder / "data.mdb").lstat().st_mode)
        }
    except OSError as error:
        raise BadInputError(f"lsun: cannot read {short(root)}: {error.strerror}") from None


def _split(name: str, folders: dict[str, Path], categories: list[str]) -> Split:
    keys = PackedNames()
    counts = []
    for folder in folders.values():
        with _environment(folder) as environment, environment.begin() as transaction:
            before = len(keys)
            for key in transaction.cursor().iternext(keys=True, values=False):
                keys.append(key.decode("latin-1"))
            counts.append(len(keys) - before)
    if not keys:
        raise BadInputError(f"{name}: the databases are empty; fetch them again")
    database = np.repeat(np.arange(len(folders)), counts)
    labels = np.array([categories.index(category) for category in folders], dtype=np.int64)[database]
    reader = LmdbReader(list(folders.values()), keys, database)
    return Split(name, EncodedPixels(reader), labels, tuple(printable(category) for category in categories))


@contextmanager
def _environment(folder: Path) -> Iterator[Any]:
    try:
        import lmdb
    except ImportError:
        raise BadInputError("LSUN comes as LMDB databases: pip install 'gan-probe[lsun]'") from None
    try:
        environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise BadInputError(f"{short(folder)} is no LMDB database: {short(error)}") from None
    with environment:
        yield environment
