"""Other people's state dicts or arrays: one file or two, or a folder with a pair, read without the code behind them."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.infer import Inferred
    from gan_probe.checkpoints.statedicts import Found
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN, Card

    Opened = tuple[list[tuple[Path, Role | None]], dict[Role, Found], list[str]]

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".tar", ".safetensors", ".npz", ".keras", ".h5", ".hdf5", "")
FORMATS = {".safetensors": "safetensors state dict", ".npz": "NumPy arrays"}
PINS = {"z_distribution": r"normal|uniform", "image_size": r"[1-9]\d{0,3}", "output": r"tanh|sigmoid|none"}
BENDS = r"(none|relu|leaky_relu(:0?\.\d+)?|elu|selu|tanh|sigmoid)"


def load(request: LoadRequest) -> GAN | None:
    """Open torch files, safetensors files or .npz arrays without our card; None for other things.

    Raises BadInputError where the files hold no GAN, where a folder holds several pairs, and where no architecture
    fits. What the weights do not settle is in the card's `assumed`; a doubtful reading warns.
    """
    found = files(request, _recognised)
    return _gan(request, *_opened(found)) if found else None


def opened(request: LoadRequest) -> Opened:
    """The files of a request, the state dicts in them by role, and the files' sha256; BadInputError for others."""
    found = files(request, _recognised)
    if not found:
        raise BadInputError("an architecture can be stated for torch, safetensors and .npz files alone")
    return _opened(found)


def _opened(files: list[tuple[Path, Role | None]]) -> Opened:
    from gan_probe.checkpoints import arrays, tensorfile

    found: dict[Role, Found] = {}
    digests = []
    for path, role in files:
        content, digest = (arrays if arrays.recognised(path) else tensorfile).read(path)
        for part, state in _states(path, content, role).items():
            if part in found:
                raise BadInputError(f"two files hold {part}s; name them with --generator and --discriminator")
            found[part] = state
        digests.append(digest)
    return files, found, digests


def _states(path: Path, content: object, role: Role | None) -> dict[Role, Found]:
    from gan_probe.checkpoints.statedicts import chosen, find, role_of

    found = find(content)
    if not found:
        raise BadInputError(f"{path.name[-60:]} holds no layers' weights: no generator or discriminator")
    return chosen(found, role or (role_of(path.stem) if len(found) == 1 else None))


def _gan(
    request: LoadRequest, files: list[tuple[Path, Role | None]], found: dict[Role, Found], digests: list[str]
) -> GAN:
    from gan_probe.checkpoints.infer import doubtful, infer
    from gan_probe.checkpoints.weights import build

    _check_pins(request)
    states: dict[Role, dict[str, Tensor]] = {role: state.tensors for role, state in found.items()}
    inferred = _with_eps(infer(states, request.pinned), files)
    notes = [f"the {role}: {note}" for role, state in found.items() for note in state.notes]
    gan = build(_card(request, files, inferred, notes, digests), inferred.weights, request.device)
    gan.readings = tuple(inferred.readings.values())
    for reading in gan.readings:
        for doubt in doubtful(reading)[:2]:
            how = "settle it by --pin z_distribution=, image_size=, activation= or output=, or state all by --arch"
            warnings.warn(
                one_line(f"{request.path.name[-40:]} was read with a doubt: {doubt}; {how}", 300), stacklevel=2
            )
    return gan


def _with_eps(inferred: Inferred, files: list[tuple[Path, Role | None]]) -> Inferred:
    """The reading with the eps of the library whose names the files bear: hardly a statistic tells it from torch's."""
    from gan_probe.checkpoints.arrays import CHAINER_EPS, by_chainer

    if not any(by_chainer(path) for path, _ in files):
        return inferred
    readings = {
        role: replace(
            reading,
            stages=tuple(replace(s, eps=CHAINER_EPS) if s.norm != "none" else s for s in reading.stages),
        )
        for role, reading in inferred.readings.items()
    }
    note = f"batch norm's eps is {CHAINER_EPS:g}, Chainer's, as the arrays' names are"
    return replace(inferred, readings=readings, assumed=(*inferred.assumed, note))


def _card(
    request: LoadRequest,
    files: list[tuple[Path, Role | None]],
    inferred: Inferred,
    notes: list[str],
    digests: list[str],
) -> Card:
    from gan_probe.gan import Card

    stages = {role: reading.stages for role, reading in inferred.readings.items()}
    path = request.path.resolve()
    return Card(
        name=path.name if path.is_dir() else path.stem,
        format=FORMATS.get(files[0][0].suffix.lower(), "PyTorch state dict"),
        image_size=inferred.image_size,
        channels=inferred.channels,
        z_size=inferred.z_size,
        z_distribution=inferred.z_distribution,  # type: ignore[arg-type]  # one of the two
        value_range=inferred.value_range,
        generator=stages.get("generator"),
        discriminator=stages.get("discriminator"),
        sha256=digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest(),
        assumed=(*notes, *inferred.assumed),
    )


def _check_pins(request: LoadRequest) -> None:
    for key, value in request.pinned.items():
        pattern = {**PINS, "activation": BENDS}.get(key)
        if pattern is None:
            raise BadInputError(one_line(f"--pin {key}: choose {', '.join(PINS)} or activation"))
        if not re.fullmatch(pattern, value):
            raise BadInputError(one_line(f"--pin {key}={value}: it must match {pattern}"))


def files(request: LoadRequest, recognised: Callable[[Path], bool]) -> list[tuple[Path, Role | None]]:
    """The files to read, each with the role that the user or its name gives it; none where they are of other formats.

    Raises BadInputError for a folder that holds several pairs.
    """
    given: list[tuple[Path, Role | None]] = []
    if request.generator:
        given.append((request.generator, "generator"))
    if request.discriminator:
        given.append((request.discriminator, "discriminator"))
    if request.path not in [path for path, _ in given] and not (request.path.is_dir() and given):
        given.append((request.path, None))
    if len(given) == 1 and request.path.is_dir():
        return _pair(request.path, recognised)
    return given if all(recognised(path) for path, _ in given) else []


def _recognised(path: Path) -> bool:
    from gan_probe.checkpoints import arrays, tensorfile

    return tensorfile.recognised(path) or arrays.recognised(path)


def _pair(folder: Path, recognised: Callable[[Path], bool]) -> list[tuple[Path, Role | None]]:
    """The one pair in a folder, found by its names; a single file is taken whatever it is called."""
    from gan_probe.checkpoints.statedicts import role_of

    found = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES and recognised(p)]
    named: dict[Role, dict[str, Path]] = {"generator": {}, "discriminator": {}}
    for path in found:
        if role := role_of(path.stem):
            named[role][snapshot_of(path.stem)] = path
    generators, discriminators = named["generator"], named["discriminator"]
    both = [key for key in generators if key in discriminators]
    if len(found) == 1:
        return [(found[0], role_of(found[0].stem))]
    if len(generators) == len(discriminators) == 1:
        return [(*generators.values(), "generator"), (*discriminators.values(), "discriminator")]  # type: ignore[list-item]
    if len(both) > 1 or len(found) > 2:
        pairs = ", ".join(f"{generators[key].name} + {discriminators[key].name}" for key in both)
        what = (
            f"{len(both)} pairs ({pairs}" if both else f"{len(found)} checkpoints ({', '.join(p.name for p in found)}"
        )
        raise BadInputError(f"pick with --generator and --discriminator: it holds {one_line(what, 110)})")
    return [(path, role_of(path.stem)) for path in found]


def snapshot_of(stem: str) -> str:
    """What a name says besides the role: which epoch's snapshot it is."""
    return re.sub(
        r"(?i)generator|discriminator|discrim|critic|disc|gen|net_?[gd]|(?<![a-z])[gd](?![a-z])|[^a-z0-9]", "", stem
    )
