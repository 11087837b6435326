"""Features on disk: found again by what they were made from, memory-mapped, whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.disk import InUseError, cache_folder, locked, replacing, write_text
from gan_probe.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np

ROWS, ENTRY, LOCK = "features.npy", "entry.json", "lock"
SPARE = 2**28  # bytes of the disk that are left to others
DIGEST = re.compile("[0-9a-f]{64}")
Columns = Sequence[tuple[str, int, int]]  # layer, start, stop


@dataclass(frozen=True)
class Entry:
    """Features in the store: `key` says what they were made from, `about` for whom and by what.

    `columns` are name, start and stop for each layer; `sha256` is the file's, `created` in ISO 8601.
    """

    key: dict[str, Any]
    about: dict[str, Any]
    rows: int
    columns: tuple[tuple[str, int, int], ...]
    dtype: str
    bytes: int
    sha256: str
    created: str

    @property
    def digest(self) -> str:
        """The name of its folder."""
        return digest_of(self.key)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, and columns of all layers together."""
        return self.rows, self.columns[-1][2]


def digest_of(data: Mapping[str, Any]) -> str:
    """SHA-256 over plain data by name, in whatever order."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, allow_nan=False).encode()).hexdigest()


class FeatureStore:
    """A folder of feature sets, each in a folder of its own under the digest of its key; safe for several processes.

    `required` says that the user chose the place, so that a store which cannot be written is an error.
    """

    def __init__(self, root: Path, *, required: bool = True) -> None:
        self.root = Path(root)
        self.required = required

    @classmethod
    def default(cls) -> FeatureStore:
        """The user's store: `features` in `$GAN_PROBE_CACHE`, else in the cache that named data sets lie in, too."""
        return cls(cache_folder() / "features", required="GAN_PROBE_CACHE" in os.environ)

    def get(
        self,
        key: Mapping[str, Any],
        make: Callable[[], tuple[Columns, Iterable[np.ndarray]]],
        *,
        rows: int,
        dtype: str = "float32",
        about: Mapping[str, Any] | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> tuple[np.memmap[Any, Any], Entry, bool]:
        """The features of that key, memory-mapped, their entry, and whether they were there.

        If not, `make` is called for the layers' columns and the blocks of `rows` rows in all, which are written as
        they come. An entry that was interrupted or damaged is made anew. `waiting` is called once if another process
        is at the same features, which are then waited for. Raises OutputError if the store cannot be written, also
        where its disk has too little room.
        """
        digest = digest_of(key)
        folder = self.root / digest
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refusal(str(error.strerror)) from None
        described: dict[str, Any] = json.loads(
            json.dumps(dict(about or {}), allow_nan=False)
        )  # what cannot be written fails now
        with locked(folder / LOCK, waiting or (lambda: None)):
            if found := self._open(digest):
                return *found, True
            columns, blocks = make()
            self._write(folder, dict(key), described, rows, columns, dtype, blocks)
            found = self._open(digest, just_written=True)
            if found is None:
                raise self._refusal("what was written does not read back")
            return *found, False

    def holds(self, key: Mapping[str, Any]) -> bool:
        """Whether there are features of that key, whole as far as can be told without reading them."""
        return (entry := _read(self.root / digest_of(key))) is not None and self.path(entry).exists()

    def path(self, entry: Entry) -> Path:
        """The .npy file of an entry's features."""
        return self.root / entry.digest / ROWS

    def entries(self) -> list[Entry]:
        """What is in the store, the latest first."""
        found = [entry for folder in self._folders() if (entry := _read(folder)) is not None]
        return sorted(found, key=lambda entry: (entry.created, entry.digest), reverse=True)

    def leftovers(self) -> int:
        """Bytes of features that were never finished, or are being written now."""
        return sum(_size(folder) for folder in self._folders() if _read(folder) is None)

    def clear(self, digests: Iterable[str] | None = None) -> tuple[int, list[str]]:
        """Delete these entries, or all and what killed runs left behind: bytes freed, and those that are in use.

        Raises OutputError for what cannot be deleted.
        """
        freed, in_use = 0, []
        for folder in self._folders() if digests is None else [self.root / digest for digest in digests]:
            try:
                with locked(folder / LOCK):
                    freed += _empty(folder)
            except InUseError:
                in_use.append(folder.name)
        return freed, in_use

    def _refusal(self, reason: str) -> OutputError:
        # what to do stands before the path, which may be long and is what a shortened line may lack
        what_next = "make room with `gan-probe cache --clear`, or set GAN_PROBE_CACHE to another folder"
        return OutputError(f"cannot keep features: {reason}; {what_next} than {self.root}")

    def _folders(self) -> list[Path]:
        try:
            names = sorted(os.listdir(self.root))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise OutputError(f"cannot read {self.root}: {error.strerror}") from None
        # nothing else is ours, and nothing else is ever deleted
        return [self.root / name for name in names if DIGEST.fullmatch(name) and (self.root / name).is_dir()]

    def _open(self, digest: str, just_written: bool = False) -> tuple[np.memmap[Any, Any], Entry] | None:
        """The entry and its features if they are whole, to the last bit unless they were just written."""
        import numpy as np

        folder = self.root / digest
        entry = _read(folder)
        if entry is None or entry.digest != digest:
            return None
        path = folder / ROWS
        try:
            if path.stat().st_size != entry.bytes or not (just_written or _sha256(path) == entry.sha256):
                return None
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        return (array, entry) if (array.shape, array.dtype.name) == (entry.shape, entry.dtype) else None

    def _write(
        self,
        folder: Path,
        key: dict[str, Any],
        about: dict[str, Any],
        rows: int,
        columns: Columns,
        dtype: str,
        blocks: Iterable[np.ndarray],
    ) -> None:
        import numpy as np

        _empty(folder)
        shape = (rows, columns[-1][2])
        size = rows * shape[1] * np.dtype(dtype).itemsize
        free = shutil.disk_usage(folder).free
        if size + SPARE > free:
            raise self._refusal(f"{size / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB free")
        path = folder / ROWS
        digest = hashlib.sha256()
        try:
            with replacing(path) as file:
                header = _header(shape, dtype)
                file.write(header)
                digest.update(header)
                done = 0
                for block in blocks:
                    row_bytes = np.ascontiguousarray(block, dtype).data
                    file.write(row_bytes)  # not through a map, which on a full disk ends the process
                    digest.update(row_bytes)
                    done += len(block)
                if done != rows:
                    raise ValueError(f"{done} rows were made, not {rows}")
        except OutputError as error:
            raise self._refusal(getattr(error.__cause__, "strerror", None) or str(error)) from error
        entry = Entry(
            key,
            about,
            rows,
            tuple(columns),
            dtype,
            path.stat().st_size,
            digest.hexdigest(),
            datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        # the last thing to appear: without it the rows are not an entry
        fields = dataclasses.asdict(entry)
        write_text(folder / ENTRY, json.dumps({**fields, "check": digest_of(fields)}, indent=1, allow_nan=False))


def _read(folder: Path) -> Entry | None:
    """What an entry's file says; None where there is none, or it is not one of ours."""
    try:
        fields = json.loads((folder / ENTRY).read_bytes())
        if fields.pop("check") != digest_of(fields):
            return None
        return Entry(**{**fields, "columns": tuple(tuple(column) for column in fields["columns"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _empty(folder: Path) -> int:
    """Delete all but the lock; bytes freed. The entry goes first: what is left is never taken for whole."""
    freed = 0
    try:
        for path in sorted(folder.iterdir(), key=lambda p: p.name != ENTRY):
            if path.name != LOCK:
                freed += path.stat().st_size
                path.unlink()
    except OSError as error:
        raise OutputError(f"cannot delete {error.filename}: {error.strerror}") from error
    return freed


def _size(folder: Path) -> int:
    sizes = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its writer has just given it its name
            sizes.append(path.stat().st_size)
    return sum(sizes)


def _header(shape: tuple[int, int], dtype: str) -> bytes:
    import io

    import numpy as np

    file = io.BytesIO()
    fields = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
