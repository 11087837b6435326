"""A model folder, as under `models/`: `model.safetensors`, which cannot carry code, and a README.md made from its card.

The card and a digest stand in the file's metadata; the digest covers the whole file with its own digits as zeros.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.checkpoints.native import read_card
from gan_probe.disk import write_bytes, write_text
from gan_probe.errors import BadInputError, OutputError
from gan_probe.report.text import visible

if TYPE_CHECKING:
    from torch import Tensor

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN, Card

FILE = "model.safetensors"
CARD, DIGEST = "gan_probe_card", "gan_probe_sha256"
ZEROS = b"0" * 64
DIGEST_FIELD = re.compile(rb'("' + DIGEST.encode() + rb'":")([0-9a-f]{64})"')
LARGEST_HEADER = 2**20  # bytes; safetensors itself would parse a header of a million tensors
DAMAGED = "the safetensors file was cut short or altered since it was written; get it again"
BEGIN, END = "<!-- card: written by gan-probe, do not edit -->", "<!-- end of card -->"


def save_folder(gan: GAN, path: Path, half: bool = False) -> None:
    """Write `model.safetensors` and a README.md with the model card into the folder `path`.

    `half` stores the kernels as float16; norms stay float32, whose variances float16 cannot hold. What people wrote
    around the card in an existing README is kept. A new folder appears whole or not at all, and so does each file in
    an existing one. Raises UsageError for networks that onnxruntime runs, OutputError where it cannot be written.
    """
    from safetensors.torch import save

    from gan_probe.checkpoints.weights import described, tensors

    card = dataclasses.replace(described(gan), sha256="")
    flat = {
        f"{role}.{name}": value.half() if half and value.dim() > 1 else value
        for role, part in tensors(gan).items()
        for name, value in part.items()
    }
    zeroed = _in_order(save(flat, {CARD: json.dumps(card.to_dict()), DIGEST: ZEROS.decode()}))
    model = _with_digest(zeroed, hashlib.sha256(zeroed).hexdigest().encode())
    card = dataclasses.replace(card, sha256=hashlib.sha256(model).hexdigest())
    try:
        if path.exists():
            readme = path / "README.md"
            written = readme.read_text("utf-8", "backslashreplace") if readme.exists() else ""
            write_bytes(path / FILE, model)
            write_text(readme, _readme(card, written))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent))
        try:
            write_bytes(fresh / FILE, model)
            write_text(fresh / "README.md", _readme(card))
            fresh.chmod(0o755)  # mkdtemp gives 0700; a model is meant to be shared
            fresh.rename(path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def load(request: LoadRequest) -> GAN | None:
    """Open one of our model folders or its safetensors file; None for other things."""
    path = request.path / FILE if request.path.is_dir() else request.path
    if request.generator or request.discriminator or not path.is_file():
        return None
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if file.read(1) != b"{" or not 0 < length <= path.stat().st_size:
            return None
        if length > LARGEST_HEADER:
            raise BadInputError(f"its safetensors header is {length:,} bytes; no GAN needs that; not opened")
        header = file.read(length)
        # either mark will do: a damaged copy is to be called one, not taken for a stranger's file
        if CARD.encode() not in header and DIGEST.encode() not in header:
            return None
    return _load(path, request.device)


def _load(path: Path, device: str) -> GAN:
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors

    from gan_probe.checkpoints.weights import ROLES, build
    from gan_probe.gan import Card

    raw = path.read_bytes()
    digest = DIGEST_FIELD.search(raw, 0, LARGEST_HEADER)
    if digest is None or hashlib.sha256(_with_digest(raw, ZEROS)).hexdigest().encode() != digest[2]:
        raise BadInputError(DAMAGED)
    try:
        flat = load_tensors(raw)
        metadata = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(DAMAGED) from error
    card = dataclasses.replace(
        Card.from_dict(read_card(metadata.get(CARD))), format="safetensors", sha256=hashlib.sha256(raw).hexdigest()
    )
    weights: dict[Role, dict[str, Tensor]] = {role: {} for role in ROLES}
    for name, value in flat.items():
        role, _, rest = name.partition(".")
        if role not in weights:
            raise BadInputError(f"it holds {name!r}, which belongs to neither generator nor discriminator")
        weights[role][rest] = value
    return build(card, weights, device)


def _in_order(raw: bytes) -> bytes:
    """The file with its header's entries sorted: safetensors orders metadata by chance, and a digest with them."""
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.dumps(json.loads(raw[8:end]), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # tensors begin at a multiple of 8 bytes
    return len(header).to_bytes(8, "little") + header + raw[end:]


def _with_digest(raw: bytes, digest: bytes) -> bytes:
    """The file with its first digest replaced, its length kept."""
    found = DIGEST_FIELD.search(raw, 0, LARGEST_HEADER)
    assert found is not None  # noqa: S101  # both callers have put it there or found it
    return raw[: found.start(2)] + digest + raw[found.end(2) :]


def _readme(card: Card, written: str = "") -> str:
    """The model card between its marks, in the place it had in what was written before."""
    channels = "1 channel" if card.channels == 1 else f"{card.channels} channels"
    rows = {
        "images": f"{card.image_size}x{card.image_size}, {channels}, values {card.value_range}",
        "latent": f"{card.z_size} numbers, {card.z_distribution}",
        "classes": ", ".join(card.classes) or "none",
        "training data": card.training_data or "not stated",
        "training": json.dumps(card.training) if card.training else "not stated",
        "licence": card.licence or "not stated",
        f"sha256 of {FILE}": card.sha256,
    }
    lines = [BEGIN, "| | |", "|---|---|"]
    lines += [f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items()]
    lines += ["", "Taken by convention, not read from the weights:", ""] if card.assumed else []
    lines += [f"- {_cell(sentence)}" for sentence in card.assumed]
    for role in ("generator", "discriminator"):
        if stages := getattr(card, role):
            lines += ["", f"| {role} | channels in | out | kernel | stride | norm | activation |", "|---" * 7 + "|"]
            lines += [
                f"| {s.op} | {s.inputs} | {s.outputs} | {s.kernel} | {s.stride} | {s.norm} | {s.activation} |"
                for s in stages
            ]
    block = "\n".join([*lines, END])
    before, begin, rest = written.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return before + block + after
    return f"{written.rstrip() or '# ' + _cell(card.name)}\n\n{block}\n"


def _cell(value: str) -> str:
    # emphasis by underscores harms nobody, and names are full of them
    text = html.escape(visible(" ".join(value.split())), quote=False)
    return re.sub(r"([\\`*|\[\]])", r"\\\1", text)
