"""Tar archives of images, in WebDataset's way or plain, one or thousands: read in place, in any order.

In WebDataset's way the files of one example share their name up to the first dot and stand together: `0007.jpg` with
`0007.cls`, a class as text or number, or `0007.json`, an object with `label`, `cls` or `class`.
"""

from __future__ import annotations

import json
import re
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING

import numpy as np

from gan_probe.data.decode import MAX_BYTES
from gan_probe.data.fit import UnreadableImageError
from gan_probe.data.folders import SUFFIXES
from gan_probe.data.layout import TEST, TRAIN, Tags
from gan_probe.data.model import Skipped
from gan_probe.data.names import printable, short
from gan_probe.data.packed import PackedNames, Prefixed
from gan_probe.data.tar import members, opened
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gan_probe.data.tar import Member

MAX_LABEL = 2**16  # bytes of a .cls or .json
MAX_SKIPPED = 1000  # that are listed; a hostile archive may hold a million links
_HIDDEN = re.compile(r"(^|/)(\.(?!\.(/|$))|__MACOSX)")
KEYS = ("label", "cls", "class")


@dataclass(frozen=True)
class Shards:
    """Tar archives, whose images are addressed by (archive, offset, size)."""

    paths: Sequence[Path]

    @contextmanager
    def opened(self) -> Iterator[Callable[[tuple[int, int, int]], bytes]]:
        """Nothing is held open: there may be more archives than a process may open."""

        def read(address: tuple[int, int, int]) -> bytes:
            archive, offset, size = address
            if size > MAX_BYTES:
                raise UnreadableImageError(f"{size:,} bytes, more than the limit of {MAX_BYTES:,}")
            with opened(self.paths[archive]) as file:
                file.seek(offset)
                content = file.read(size)
            if len(content) < size:
                raise UnreadableImageError("the archive has become shorter than it was")
            return content

        yield read


@dataclass(frozen=True, eq=False)
class ShardReader:
    """The images in tar archives, in their order there; 20 bytes each, and their names."""

    paths: Sequence[Path]
    members: Sequence[str]
    archive: np.ndarray  # (N,) into paths
    offsets: np.ndarray  # (N,)
    sizes: np.ndarray  # (N,)

    @cached_property
    def names(self) -> Sequence[str]:
        """The members' names, behind that of their archive where there are several."""
        if len(self.paths) == 1:
            return self.members
        return Prefixed([f"{path.name}/" for path in self.paths], self.archive, self.members)

    @cached_property
    def placed(self) -> Sequence[str]:
        """The members' names, below `train` or `test` where the archives' own names tell several splits."""
        words = [_split_word(path) for path in self.paths]
        if len(set(words)) == 1:
            return self.members
        return Prefixed([f"{word}/" if word else "" for word in words], self.archive, self.members)

    @property
    def place(self) -> Shards:
        """The archives."""
        return Shards(self.paths)

    def address(self, index: int) -> tuple[int, int, int]:
        """The number of the image's archive, where it begins there, and its size."""
        return int(self.archive[index]), int(self.offsets[index]), int(self.sizes[index])

    def stamps(self, indices: np.ndarray) -> Iterator[tuple[int, tuple[int, int]]]:
        """Each image's size; its offset, and when its archive was last changed."""
        changed = [path.stat().st_mtime_ns for path in self.paths]
        for index in indices.tolist():
            archive, offset, size = self.address(index)
            yield size, (offset, changed[archive])


def shard_images(paths: Sequence[Path]) -> tuple[ShardReader, Tags | None, tuple[Skipped, ...]]:
    """Find the images in tar archives, with the classes that stand beside them, if there are any.

    Hidden members are ignored; links, devices and names that leave the archive are skipped, the first thousand by name.
    """
    names, archive, offsets, sizes = PackedNames(), array("i"), array("q"), array("q")
    tags = Tags()
    skipped: list[Skipped] = []
    for number, path in enumerate(paths):
        where = short(path)
        try:
            with opened(path) as file:
                sample, first, tag = ("", ""), len(names), None
                for member in members(file, where):
                    name = _plain(member.name)
                    folder, _, last = name.rpartition("/")
                    if not last or _HIDDEN.search(name):
                        continue
                    stem, _, suffix = last.partition(".")
                    if (folder, stem) != sample:
                        tags.put(first, len(names), tag)
                        sample, first, tag = (folder, stem), len(names), None
                    if suffix in ("cls", "json") and not member.fault:
                        tag = _tag(file, member, suffix) or tag
                    elif last.lower().endswith(SUFFIXES):
                        if fault := _fault(member, name):
                            skipped.append(Skipped(printable(f"{path.name}/{member.name}"), fault))
                            continue
                        names.append(name)
                        archive.append(number)
                        offsets.append(member.offset)
                        sizes.append(member.size)
                tags.put(first, len(names), tag)
        except OSError as error:
            raise BadInputError(f"cannot read {where}: {error.strerror}") from None
    if (more := len(skipped) - MAX_SKIPPED) > 0:
        skipped[MAX_SKIPPED:] = [Skipped(f"{more:,} more", "links, devices, or names that leave their archive")]
    reader = ShardReader(
        paths, names, np.frombuffer(archive, np.int32), np.frombuffer(offsets, np.int64), np.frombuffer(sizes, np.int64)
    )
    return reader, tags if tags.values else None, tuple(skipped)


def expand(spec: str) -> list[str]:
    """The paths that `train-{000..099}.tar` stands for: the range's numbers, as wide as its first; else none."""
    found = re.fullmatch(r"(.*)\{([0-9]{1,9})\.\.([0-9]{1,9})\}([^{}]*\.tar)", spec, re.DOTALL)
    if found is None:
        return []
    head, first, last, tail = found.groups()
    if not 0 <= int(last) - int(first) < 10**6:
        raise BadInputError(f"{short(spec)}: the range must go up, and hold at most a million archives")
    return [f"{head}{number:0{len(first)}}{tail}" for number in range(int(first), int(last) + 1)]


def _plain(name: str) -> str:
    """The name without the folders that go nowhere."""
    if name.startswith("./") or "//" in name or "/./" in name:
        return "/".join(part for part in name.split("/") if part not in ("", "."))
    return name.strip("/")


def _fault(member: Member, name: str) -> str:
    parts = name.split("/")
    if member.name.startswith("/") or ".." in parts or ":" in parts[0]:
        return "its path leaves the archive"
    return member.fault


def _tag(file: IO[bytes], member: Member, suffix: str) -> str | None:
    """The class that a .cls or .json member states; None where it states none."""
    if member.size > MAX_LABEL:
        return None
    file.seek(member.offset)
    text = file.read(member.size).decode("utf-8", "replace")
    if suffix == "cls":
        return text.strip() or None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = [fields[key] for key in KEYS if key in fields] if isinstance(fields, dict) else []
    return str(values[0]) if values and isinstance(values[0], str | int) else None


def _split_word(path: Path) -> str:
    """The split that an archive's name, or its folder's, tells; empty where neither does."""
    for text in (path.stem, path.parent.name):
        for word in re.split("[^a-z]+", text.lower()):
            if word in TRAIN + TEST:
                return word
    return ""
