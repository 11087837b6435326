"""Our own checkpoint, `ckpt.pt`: a torch zip of plain tensors and the card, with a digest over the whole file.

`torch.load(path, weights_only=True)` of anybody reads it: the digest is the zip archive's comment, the file's last
64 bytes, and covers every byte before it. It guards against damage; against malice, the pickle may name nothing but
tensors and containers, and no tensor may claim more values than the file holds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pickletools
import zipfile
from typing import TYPE_CHECKING, Any

from gan_probe.disk import write_bytes
from gan_probe.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.gan import GAN

FORMAT = "gan-probe checkpoint"
VERSION = 1
COMMENT = FORMAT.encode() + b" sha256 "
DIGEST = 64  # hexadecimal digits
END_OF_ZIP = b"PK\x05\x06"
TENSOR_GLOBALS = {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "collections OrderedDict"}
LARGEST_PICKLE = 2**22  # bytes without the tensors' values: seconds to look through
DAMAGED = "it is a gan-probe checkpoint cut short or altered since it was written; get it again"


def save_checkpoint(gan: GAN, path: Path, extra: Mapping[str, Any] | None = None) -> None:
    """Write a GAN of torch networks to one file, whole or not at all.

    `extra` holds what resuming needs: tensors, numbers, strings, and lists and dicts of these. UsageError for other
    objects, or for networks that onnxruntime runs; OutputError where the file cannot be written.
    """
    import torch

    from gan_probe.checkpoints.weights import described, tensors

    card = json.dumps(dataclasses.replace(described(gan), sha256="").to_dict())
    content = {"format": FORMAT, "version": VERSION, "card": card, **tensors(gan), "extra": dict(extra or {})}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    raw = buffer.getvalue()
    try:
        _refuse_code(raw)
    except BadInputError as error:
        raise UsageError(f"the checkpoint's extra state cannot be saved: {error}") from error
    end = raw.rindex(END_OF_ZIP) + 20  # where a zip keeps the length of its comment, its last field
    raw = raw[:end] + (len(COMMENT) + DIGEST).to_bytes(2, "little") + COMMENT
    write_bytes(path, raw + hashlib.sha256(raw).hexdigest().encode())


def load(request: LoadRequest) -> GAN | None:
    """Open one of our checkpoints; None for other files."""
    if request.generator or request.discriminator or not _is_ours(request.path):
        return None
    return load_checkpoint(request.path, request.device)[0]


def load_checkpoint(path: Path, device: str = "cpu") -> tuple[GAN, dict[str, Any]]:
    """Open one of our checkpoints, with the extra state that was saved in it (on the CPU)."""
    import torch

    from gan_probe.checkpoints.weights import ROLES, build
    from gan_probe.gan import Card

    raw = path.read_bytes()
    body, digest = raw[:-DIGEST], raw[-DIGEST:]
    # before anything parses it: 188 of 200 single flipped bits went unnoticed by torch
    if not body.endswith(COMMENT) or hashlib.sha256(body).hexdigest().encode() != digest:
        raise BadInputError(DAMAGED)
    refuse_bombs(raw)
    _refuse_code(raw)
    try:
        content = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds, some of which advise to load unsafely
        raise BadInputError(f"its content cannot be read ({type(error).__name__}); save it again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadInputError("it bears the mark of a gan-probe checkpoint but holds something else; save it again")
    if content.get("version") != VERSION:
        raise BadInputError(f"it is of version {content.get('version')!r}, this gan-probe reads {VERSION}; update it")
    refuse_views(content, len(raw))
    weights = {role: content.get(role, {}) for role in ROLES}
    extra = content.get("extra")
    if not all(_named_tensors(part) for part in weights.values()) or not isinstance(extra, dict):
        raise BadInputError("its weights are not tensors by name; save it again")
    card = dataclasses.replace(
        Card.from_dict(read_card(content.get("card"))),
        format=f"{FORMAT} {VERSION}",
        sha256=hashlib.sha256(raw).hexdigest(),
    )
    return build(card, weights, device), extra


def read_card(text: object) -> dict[str, Any]:
    """The JSON of a card; BadInputError where it is none."""
    try:
        card = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise BadInputError("its card is not readable JSON; save the checkpoint again")
    return card


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(0, path.stat().st_size - DIGEST - len(COMMENT)))
        tail = file.read()
    # either mark will do: a damaged copy is to be called one, not taken for another format
    return head[:2] == b"PK" and (FORMAT.encode() in head or tail.startswith(COMMENT))


def _named_tensors(part: object) -> bool:
    import torch

    return isinstance(part, dict) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in part.items())


def refuse_bombs(raw: bytes) -> None:
    """Raise BadInputError for a zip whose members unpack to more than the file holds."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(raw)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadInputError(DAMAGED) from error
    if any(e.compress_type != zipfile.ZIP_STORED for e in entries) or sum(e.file_size for e in entries) > len(raw):
        raise BadInputError("its zip entries unpack to more than the file holds: a zip bomb; not opened")


def _refuse_code(raw: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(raw))
    for entry in archive.infolist():
        if not entry.filename.endswith(".pkl"):
            continue
        if entry.file_size > LARGEST_PICKLE:
            raise BadInputError(f"it holds a pickle of {entry.file_size:,} bytes, of at most {LARGEST_PICKLE:,}")
        try:
            for opcode, value, _ in pickletools.genops(archive.read(entry)):
                harmless = value in TENSOR_GLOBALS or (
                    isinstance(value, str) and value.startswith("torch ") and value.endswith("Storage")
                )
                # torch's own safe list lets bytearray(10**12) through, so ours is shorter
                if opcode.name in ("STACK_GLOBAL", "INST") or (opcode.name == "GLOBAL" and not harmless):
                    what = str(value or "an object").replace(" ", ".")
                    raise BadInputError(f"it would build {what} when opened; only tensors and containers are allowed")
        except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise BadInputError(DAMAGED) from error


def refuse_views(content: object, size: int) -> None:
    """Raise BadInputError for a tensor of more numbers than its storage or the file holds.

    One of 10^6 x 10^6 with stride 0 takes 1.6 KB of file and a terabyte once anything copies it.
    """
    import torch

    waiting, seen = [content], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, torch.Tensor):
            if part.numel() * part.element_size() > min(size, part.untyped_storage().nbytes()):
                raise BadInputError(
                    f"it declares a tensor of {tuple(part.shape)}, more than the file holds; not opened"
                )
        elif isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            waiting += part
