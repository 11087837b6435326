"""Files of named tensors by strangers: torch's zip and its older format, and safetensors; no code in them ever runs.

Before torch sees a file, a zip's own checksums are verified, every pickle is looked through, and no tensor may claim
more numbers than the file holds.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
import zipfile
from typing import TYPE_CHECKING, Any

from gan_probe.checkpoints.describe import PLAIN, describe
from gan_probe.checkpoints.folder import LARGEST_HEADER
from gan_probe.checkpoints.native import refuse_bombs, refuse_views
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's older format begins with this number, pickled
PICKLES = 5  # of the older format: magic number, version, system, content, keys of the storages
LARGEST_PICKLE = 2**24
DAMAGED = "it is a PyTorch file cut short or damaged; get it again"


def recognised(path: Path) -> bool:
    """Whether the file is a torch file or a safetensors file, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(64)
    if head[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            return False
        return any(n.endswith("data.pkl") for n in names) and not any(n.endswith("constants.pkl") for n in names)
    header = int.from_bytes(head[:8], "little")
    return MAGIC in head[:24] or (head[8:9] == b"{" and 2 <= header <= path.stat().st_size)


def read(path: Path) -> tuple[Any, str]:
    """The content, containers and tensors on the CPU, and the file's sha256; BadInputError in one line."""
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if raw[8:9] == b"{":
        return _safetensors(raw), digest
    pickles = _zipped(raw) if raw[:2] == b"PK" else raw
    if not _harmless(pickles, len(raw)):
        raise BadInputError(describe(path))
    import torch

    try:
        content = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds, some of which advise to load unsafely
        raise BadInputError(f"it cannot be read ({type(error).__name__}): damaged, or no plain state dict") from error
    refuse_views(content, len(raw))
    return content, digest


def _zipped(raw: bytes) -> bytes:
    """The pickle in torch's zip, whose members are all whole."""
    refuse_bombs(raw)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if archive.testzip() is not None:
                raise BadInputError(DAMAGED)
            return b"".join(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise BadInputError(DAMAGED) from error


def _harmless(data: bytes, size: int) -> bool:
    """Whether the pickles name nothing but tensors and containers, and no storage larger than the file."""
    stream = io.BytesIO(data)
    left = LARGEST_PICKLE
    largest = 0  # of the numbers since the last name: a storage's count is among them
    try:
        for _ in range(PICKLES):
            if stream.tell() >= len(data):
                break
            for opcode, value, _ in pickletools.genops(stream):
                left -= 1
                if opcode.name in ("STACK_GLOBAL", "INST") or left < 0:
                    return False
                if opcode.name == "GLOBAL":
                    if not PLAIN.match(str(value).replace(" ", ".")):
                        return False
                    largest = 0
                elif isinstance(value, int) and "PUT" not in opcode.name and "GET" not in opcode.name:
                    largest = max(largest, value)
                elif opcode.name == "BINPERSID" and largest > size:
                    raise BadInputError(f"it declares {largest:,} numbers, more than the file holds; not opened")
    except (ValueError, IndexError, OverflowError) as error:
        raise BadInputError(DAMAGED) from error
    return True


def _safetensors(raw: bytes) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load

    if int.from_bytes(raw[:8], "little") > LARGEST_HEADER:
        raise BadInputError("its safetensors header is larger than any GAN needs; not opened")
    try:
        return load(raw)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise BadInputError("it is a safetensors file cut short or damaged; get it again") from error
