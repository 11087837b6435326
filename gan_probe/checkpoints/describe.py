"""What a file that no format claims looks like, and what to do about it; nothing in it is ever run."""

from __future__ import annotations

import io
import itertools
import pickletools
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# what begins so is no checkpoint
SIGNATURES = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"\x93NUMPY", "a single numpy array"),
    (b"%PDF", "a PDF document"),
)
FORMATS = "gan-probe reads torch, safetensors, .npz, Keras and ONNX files and the DCGAN authors' release"
# classes that a plain state dict names in its pickle
PLAIN = re.compile(
    r"(torch\.\w+Storage|torch\._utils\._rebuild_\w+|collections\.OrderedDict|torch\.(Size|device|\w+\d+))$"
)
MOST, MOST_OPCODES = 2**26, 10**6  # bytes and operations of a pickle that are looked at: a second or two


def describe(path: Path) -> str:
    """One sentence on what the file or folder is, and one on what to do; the caller puts the path in front."""
    if path.is_dir():
        if there := _of_training(path):
            return f"this is the folder of a training; open {' or '.join(there)}"
        return f"no checkpoint is in this folder; {FORMATS}"
    if not path.is_file():
        return "it is not a regular file; pass a checkpoint"
    with path.open("rb") as file:
        head = file.read(4096)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "the file is empty; get it again"
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "it is a web page, not a checkpoint: a download link that needs a click; download the file itself"
    if start.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer, not the file itself; run `git lfs pull` where it came from"
    for signature, what in SIGNATURES:
        if head.startswith(signature):
            return f"it is {what}, not a checkpoint; {FORMATS}"
    if head.startswith(b"PK"):
        return _zip(path)
    if head[8:9] == b"{" and 0 < int.from_bytes(head[:8], "little") <= path.stat().st_size:
        return "it is a safetensors file of no known content; get it again"
    if tarfile.is_tarfile(path):
        return "it is a tar archive (torch before 0.1.10 wrote such); open it with an old torch and save a state_dict"
    if head[:1] == b"\x80":
        with path.open("rb") as file:
            return _pickle(file.read(MOST))
    if b"\0" not in head and _is_text(head):
        return f"it is plain text, not a checkpoint; {FORMATS}"
    return f"it is of no known format, or damaged; {FORMATS}"


def _of_training(folder: Path) -> list[str]:
    """What a training of ours left beside this folder and in it, the newest of its snapshots."""
    ended = folder.with_name(f"{folder.resolve().name.removesuffix('-training')}.pt")
    kept = sorted((folder / "checkpoints").glob("epoch-*.pt"), key=lambda path: path.stat().st_mtime)
    found = [f"{ended.name}, beside it,"] if ended.is_file() else []
    return found + [f"checkpoints/{path.name}" for path in kept[-1:]]


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(name.endswith("/constants.pkl") for name in names):
                return "it is a TorchScript archive, which is a program; export it as ONNX, or save its state_dict()"
            pickles = [name for name in names if name.endswith("/data.pkl")]
            if pickles:
                with archive.open(pickles[0]) as file:
                    return _pickle(file.read(MOST))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError):
        return "it is a zip archive (torch's, perhaps) cut short or damaged; get it again"
    return f"it is a zip archive without a checkpoint in it; {FORMATS}"


def _pickle(data: bytes) -> str:
    named = list(dict.fromkeys(_globals(data)))
    strange = [name for name in named if not PLAIN.match(name)]
    if strange:
        some = ", ".join(strange[:2])
        return f"it is a pickle that would run {some} when opened, so it was not; save a plain state_dict() instead"
    if any(name.startswith("torch.") for name in named):
        return "it is a PyTorch file that names no layers, or cut short; get it again"
    return f"it is a pickle without networks in it, or cut short; {FORMATS}"


def _globals(data: bytes) -> Iterator[str]:
    """What the pickles in `data`, one behind the other, would import, as `module.name`, read without running them."""
    stream = io.BytesIO(data)
    left = MOST_OPCODES
    while stream.tell() < len(data) and left > 0:
        strings: list[str] = []
        memo: dict[int, str] = {}
        try:
            for opcode, value, _ in itertools.islice(pickletools.genops(stream), left):
                left -= 1
                if opcode.name in ("GLOBAL", "INST") and isinstance(value, str):
                    yield value.replace(" ", ".")
                elif opcode.name == "STACK_GLOBAL":
                    yield ".".join(strings[-2:])
                elif opcode.name == "MEMOIZE":
                    memo[len(memo)] = strings[-1] if strings else ""
                elif opcode.name in ("BINGET", "LONG_BINGET", "GET") and isinstance(value, int):
                    strings.append(memo.get(value, "?"))
                elif isinstance(value, str):
                    strings.append(value)
        except (ValueError, IndexError, OverflowError):  # binary data follows the pickles, or the file is cut
            return


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode()  # the end may cut a character in two
    except UnicodeDecodeError:
        return False
    return True
