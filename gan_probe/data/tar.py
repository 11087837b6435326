"""The members of a tar archive, read from its headers: nothing is unpacked, and no header is trusted.

`tarfile` would keep an object for each of millions of members, and needs 30 microseconds for one.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

from gan_probe.data.names import short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 512
MAX_EXTENSION = 2**16  # bytes of a long name or of pax records
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a FIFO must not hang
_KINDS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"5": "", b"6": "a FIFO"}
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZ": "bunzip2", b"\xfd7": "unxz", b"(\xb5": "unzstd"}


class Member(NamedTuple):
    """A file in a tar archive: its name, where its content begins and its size in bytes.

    What has no content of its own (a link, a device, a sparse file) says so in `fault`.
    """

    name: str
    offset: int
    size: int
    fault: str = ""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file, unbuffered; OSError, or BadInputError for anything else."""
    with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadInputError(f"{short(path)} is not a regular file")
        yield file


def members(file: IO[bytes], where: str) -> Iterator[Member]:
    """The files in an archive, in its order, folders left out; reads headers alone.

    Understands ustar, GNU's long names and big numbers, and pax records. BadInputError for what is no tar archive,
    or damaged, or shorter than its headers say.
    """
    total = os.fstat(file.fileno()).st_size
    if tool := _COMPRESSED.get(_read(file, 0, 2)):
        raise BadInputError(f"{where} is compressed, and cannot be read in any order: {tool} it first")
    at, name, size = 0, None, None  # the last two as an extension header gives them for the next member
    while at < total:
        header = _read(file, at, BLOCK)
        if not header.strip(b"\0"):
            break  # the end's mark
        if len(header) < BLOCK:
            raise _short(where, at)
        own_size, kind = _checked(header, at, where)
        start = at + BLOCK
        if kind in (b"x", b"g", b"L", b"K"):
            if own_size > min(MAX_EXTENSION, total - start):
                raise _damaged(where, at)
            if kind in (b"x", b"L"):
                content = _read(file, start, own_size)
                name, size = (_text(content), size) if kind == b"L" else _pax(content, where, at)
            at = start + _padded(own_size)
            continue
        if size is not None and size >= 0:
            own_size = size
        sparse = kind == b"S" or size == -1
        end = start if kind in _KINDS else start + _padded(own_size)
        if end > total:
            raise _short(where, at)
        member_name = name if name is not None else _ustar_name(header)
        fault = "a sparse file" if sparse else _KINDS.get(kind, "")
        if kind != b"5" and not member_name.endswith("/"):
            yield Member(member_name, start, own_size, fault)
        at, name, size = end, None, None
    if at == 0:
        raise BadInputError(f"{where} is empty, or no tar archive")


def _checked(header: bytes, at: int, where: str) -> tuple[int, bytes]:
    """The size and kind that a header states, if its checksum is right."""
    try:
        right = _number(header[148:156], 8) == sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
        raw = header[124:136]
        # GNU: the first bit means a big-endian number, the second would be its sign
        size = int.from_bytes(raw[1:], "big") if raw[0] == 0x80 else _number(raw, 8)
    except ValueError:
        right = False
    if not right:
        raise _damaged(where, at)
    return size, header[156:157]


def _number(raw: bytes, base: int = 10) -> int:
    digits = raw.split(b"\0", 1)[0].strip(b" ") or b"0"
    if not digits.isdigit():  # int() takes signs and underscores
        raise ValueError
    return int(digits, base)


def _ustar_name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""  # GNU keeps times there
    return f"{prefix}/{name}" if prefix else name


def _pax(content: bytes, where: str, at: int) -> tuple[str | None, int | None]:
    """The name and size in pax records; -1 stands for the size of a sparse file, which is none."""
    name, size = None, None
    try:
        while content.strip(b"\0"):
            length = _number(content[: content.index(b" ")])
            key, _, value = content[content.index(b" ") + 1 : length - 1].partition(b"=")
            if length < 5 or content[length - 1 : length] != b"\n":
                raise ValueError
            if key == b"path":
                name = _text(value)
            elif key == b"size" and size != -1:
                size = _number(value)
            elif key.startswith(b"GNU.sparse"):
                size = -1
            content = content[length:]
    except ValueError:
        raise _damaged(where, at) from None
    return name, size


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _read(file: IO[bytes], at: int, n: int) -> bytes:
    file.seek(at)
    return file.read(n)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _short(where: str, at: int) -> BadInputError:
    return BadInputError(f"{where} ends within the file that begins at byte {at:,}: fetch it again")


def _damaged(where: str, at: int) -> BadInputError:
    return BadInputError(f"{where}: no tar archive, or damaged at byte {at:,}: fetch it again")
