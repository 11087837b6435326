"""Zip archives of images, read in place: nothing is unpacked to disk, so no member can land outside."""

from __future__ import annotations

import stat
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gan_probe.data.decode import MAX_BYTES
from gan_probe.data.fit import UnreadableImageError
from gan_probe.data.folders import SUFFIXES
from gan_probe.data.model import Skipped
from gan_probe.data.names import printable, short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np

MAX_RATIO = 200  # deflate reaches 1,032 on zeros; MNIST, mostly black, reaches 5
SMALL = 2**26  # bytes that may unpack at any ratio


def check_ratio(size: int, compressed: int, where: str) -> None:
    """BadInputError for what claims to unpack to far more than image data ever do."""
    if size > SMALL and size > MAX_RATIO * compressed:
        raise BadInputError(f"{where} would unpack {compressed:,} bytes to {size:,}: refused as a zip bomb")


@dataclass(frozen=True)
class Archive:
    """A zip archive, whose members are addressed by their entries in its directory."""

    path: Path

    @contextmanager
    def opened(self) -> Iterator[Callable[[zipfile.ZipInfo], bytes]]:
        """Open the archive once; zipfile guards its file position by a lock of its own."""
        with _archive(self.path) as archive:

            def read(member: zipfile.ZipInfo) -> bytes:
                if member.file_size > MAX_BYTES:
                    raise UnreadableImageError(f"{member.file_size:,} bytes, more than the limit of {MAX_BYTES:,}")
                return archive.read(member)  # never more than the declared size

            yield read


@dataclass(frozen=True, eq=False)
class ZipReader:
    """The image members of an archive."""

    path: Path
    members: Sequence[zipfile.ZipInfo]

    @cached_property
    def names(self) -> Sequence[str]:
        """The members' names."""
        return [member.filename for member in self.members]

    @property
    def place(self) -> Archive:
        """The archive."""
        return Archive(self.path)

    def address(self, index: int) -> zipfile.ZipInfo:
        """The member's entry."""
        return self.members[index]

    def stamps(self, indices: np.ndarray) -> Iterator[tuple[int, int]]:
        """Each member's size and checksum."""
        for index in indices.tolist():
            yield self.members[index].file_size, self.members[index].CRC


def zip_images(path: Path) -> tuple[ZipReader, tuple[Skipped, ...]]:
    """Find the images in an archive, sorted by name; hidden members are ignored, links and escapes are skipped."""
    members, skipped = [], []
    with _archive(path) as archive:
        infos = archive.infolist()
    check_ratio(sum(i.file_size for i in infos), sum(i.compress_size for i in infos), short(path))
    for info in sorted(infos, key=lambda info: info.filename):
        name = PurePosixPath(info.filename)
        if info.is_dir() or name.suffix.lower() not in SUFFIXES:
            continue
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
            skipped.append(Skipped(printable(info.filename), "its path leaves the archive"))
        elif stat.S_ISLNK(info.external_attr >> 16):
            skipped.append(Skipped(printable(info.filename), "a link"))
        elif any(part.startswith((".", "__MACOSX")) for part in name.parts):
            continue
        elif info.flag_bits & 1:
            raise BadInputError(f"{short(path)}: {short(info.filename, 40)} is encrypted: unpack it, pass the folder")
        else:
            members.append(info)
    return ZipReader(path, members), tuple(skipped)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadInputError(f"{short(path)}: damaged, or not a zip archive: {short(error)}") from None
    with archive:
        yield archive
