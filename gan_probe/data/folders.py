"""Folders of images: regular files only, and no link is followed below the folder that the user named."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.data.decode import MAX_BYTES
from gan_probe.data.fit import UnreadableImageError
from gan_probe.data.model import Skipped
from gan_probe.data.names import printable, short
from gan_probe.data.packed import PackedNames
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np

REPORT = ".gan-probe-report"  # the mark of a report's folder
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
# A name may have become a link or a FIFO since it was listed; neither flag exists on Windows.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Folder:
    """A folder whose files are addressed by relative names."""

    root: Path

    @contextmanager
    def opened(self) -> Iterator[Callable[[str], bytes]]:
        """Nothing is held open between files."""
        root = os.fspath(self.root)

        def read(name: str) -> bytes:
            with os.fdopen(os.open(os.path.join(root, name), _FLAGS), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise UnreadableImageError("not a regular file")
                if status.st_size > MAX_BYTES:
                    raise UnreadableImageError(f"{status.st_size:,} bytes, more than the limit of {MAX_BYTES:,}")
                return file.read(MAX_BYTES)

        yield read


@dataclass(frozen=True, eq=False)
class FolderReader:
    """Image files under a folder; names are relative, with forward slashes."""

    root: Path
    names: Sequence[str]

    @property
    def place(self) -> Folder:
        """The folder."""
        return Folder(self.root)

    def address(self, index: int) -> str:
        """The file's name."""
        return self.names[index]

    def stamps(self, indices: np.ndarray) -> Iterator[tuple[int, int]]:
        """Each file's size and the time of its last change; -1 and 0 for one that has gone."""
        root = os.fspath(self.root)
        for index in indices.tolist():
            try:
                status = os.lstat(os.path.join(root, self.names[index]))
                yield status.st_size, status.st_mtime_ns
            except OSError:
                yield -1, 0


def folder_images(root: Path, suffixes: Sequence[str] = SUFFIXES) -> tuple[FolderReader, tuple[Skipped, ...]]:
    """Find the images under a folder, sorted by name, without opening any.

    Hidden names and other suffixes are ignored. Links are skipped: they may loop, dangle, or read somebody else's data;
    so are FIFOs, sockets and devices.
    """
    names = PackedNames()
    skipped: list[Skipped] = []
    waiting = [""]  # folders, which end in a slash, and files: the next in the order of whole names is the last
    while waiting:
        name = waiting.pop()
        if name and not name.endswith("/"):
            names.append(name)
            continue
        try:
            entries = list(os.scandir(os.path.join(root, name)))
        except OSError as error:
            raise BadInputError(f"cannot list {short(os.path.join(root, name))}: {error.strerror}") from None
        if name and any(entry.name == REPORT for entry in entries):
            skipped.append(Skipped(printable(name), "a report of gan-probe, whose figures are no data"))
            continue
        waiting += sorted(_within(name, entries, suffixes, skipped), reverse=True)
    return FolderReader(root, names), tuple(sorted(skipped, key=lambda item: item.name))


def _within(
    folder: str, entries: Iterable[os.DirEntry[str]], suffixes: Sequence[str], skipped: list[Skipped]
) -> Iterator[str]:
    """The images and, with a slash behind them, folders among a folder's entries."""
    for entry in entries:
        name = folder + entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            skipped.append(Skipped(printable(name), "a link, which is not followed"))
        elif entry.is_dir(follow_symlinks=False):
            yield f"{name}/"
        elif os.path.splitext(entry.name)[1].lower() in suffixes:
            if entry.is_file(follow_symlinks=False):
                yield name
            else:
                skipped.append(Skipped(printable(name), "not a regular file"))
