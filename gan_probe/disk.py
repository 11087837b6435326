"""Everything on disk appears whole or not at all: written beside, flushed, renamed; a run locks its folder."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gan_probe.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def cache_folder() -> Path:
    """Where what can be had again lies: `$GAN_PROBE_CACHE`, `$XDG_CACHE_HOME/gan-probe` or `~/.cache/gan-probe`."""
    if chosen := os.environ.get("GAN_PROBE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan-probe"


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be written beside `path`; it takes the name when the block ends well, and vanishes if not.

    An OSError (no space, no permission, no such folder) becomes a one-line OutputError; what stood at `path` before is
    then untouched.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp gives 0600; a report is meant to be read by others as any file of the user's
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 text or nothing; characters that UTF-8 cannot hold are written as escapes."""
    write_bytes(path, content.encode("utf-8", "backslashreplace"))


class InUseError(OutputError):
    """Another run holds the lock."""


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[IO[bytes]]:
    """Hold a lock file, opened to read and write and made if need be; its folder is then this run's alone.

    The lock belongs to the open file and ends with the process, however that ends. InUseError says that another run
    holds it; where there is `waiting`, it is called instead, once, and that run is waited for. OutputError says that
    the file cannot be written. The file stays: removing it would let two runs hold two locks.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags, 0o666), "r+b")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    with file:
        if not _lock(file.fileno()):
            if waiting is None:
                raise InUseError(f"{path.parent} is in use by another run: wait until it ends, or pass another --out")
            waiting()
            while not _lock(file.fileno()):
                time.sleep(0.2)
        yield file


def _lock(descriptor: int) -> bool:
    """Lock an open file at once; False where somebody else holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # far behind the content, which others may read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if sys.platform == "win32" or error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        # some clusters mount their file systems without locks: better unguarded than unusable
        warnings.warn(f"this file system has no locks ({error.strerror}): use the folder for one run", stacklevel=3)
    return True


def check_writable(path: Path, force: bool, *, parents: bool = False) -> None:
    """Raise OutputError now, before hours of work, if `path` cannot be written or stands there without `force`."""
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file")
    if path.exists() and not force:
        raise OutputError(f"{path} is already there: pass --force to replace it")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
