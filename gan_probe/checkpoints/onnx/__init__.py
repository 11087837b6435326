"""Generators and discriminators in ONNX, run by onnxruntime; their layers and batch norms are read from the graph."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.checkpoints.native import read_card
from gan_probe.checkpoints.onnx.batch import with_free_batch
from gan_probe.checkpoints.onnx.net import OnnxNet
from gan_probe.checkpoints.onnx.read import infer_shapes, looks_like_onnx, read_model
from gan_probe.checkpoints.onnx.surgery import to_float32
from gan_probe.errors import BadInputError
from gan_probe.gan import GAN, Card

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role

CARD_KEY, ROLE_KEY = "gan_probe_card", "gan_probe_role"
FILES: dict[Role, str] = {"generator": "generator.onnx", "discriminator": "discriminator.onnx"}
RANGES = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0)}


def load(request: LoadRequest) -> GAN | None:
    """Open one ONNX file, a folder with generator.onnx and/or discriminator.onnx, or the two files of the request.

    A role that the request does not give is read from our metadata, else from the shapes. None for other files.
    """
    nets: dict[Role, OnnxNet] = {}
    cards: dict[Role, Card] = {}
    digests: dict[Role, str] = {}
    notes: list[str] = []
    for path, role in _files(request):
        model, digest = read_model(path)
        if kind := to_float32(model):
            notes.append(f"{path.name} is in {kind}: it was converted to float32")
        model = with_free_batch(model)
        shapes = infer_shapes(model)
        net = OnnxNet(model, shapes, role or _role(model, shapes))
        if net.role in nets:
            raise BadInputError(f"two files are {net.role}s; name them with --generator and --discriminator")
        nets[net.role], digests[net.role] = net, digest
        if net.keeps_statistics:
            notes.append(f"{path.name} runs at a fixed batch only: its batch norms keep the statistics that they hold")
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        if CARD_KEY in metadata:
            cards[net.role] = Card.from_dict(read_card(metadata[CARD_KEY]))
    if not nets:
        return None
    found = _described(nets, request)
    known = [*cards.values(), found]
    images = {(card.image_size, card.channels) for card in known}
    if len(images) > 1 or ("generator" in nets and len({card.z_size for card in known}) > 1):
        raise BadInputError("its generator, discriminator and cards disagree on the size of images or latents")
    together = "".join(digests[role] for role in sorted(digests))
    card = dataclasses.replace(
        known[0],
        format="ONNX",
        generator=cards["generator"].generator if "generator" in cards else None,
        discriminator=cards["discriminator"].discriminator if "discriminator" in cards else None,
        assumed=(*dict.fromkeys(note for card in (cards.values() or known) for note in card.assumed), *notes),
        sha256=together if len(digests) == 1 else hashlib.sha256(together.encode()).hexdigest(),
    )
    return GAN(card, nets.get("generator"), nets.get("discriminator"))


def _files(request: LoadRequest) -> list[tuple[Path, Role | None]]:
    files: list[tuple[Path, Role | None]] = []
    if request.generator:
        files.append((request.generator, "generator"))
    if request.discriminator:
        files.append((request.discriminator, "discriminator"))
    for path, _ in files:
        if not _is_onnx(path):
            raise BadInputError(f"{path.name}, given for one role, is not an ONNX file; only those come in two files")
    if request.path.is_dir():
        given = {role for _, role in files}
        for role, name in FILES.items():
            if role not in given and _is_onnx(request.path / name):
                files.append((request.path / name, role))
    elif request.path not in [path for path, _ in files] and _is_onnx(request.path):
        files.append((request.path, None))
    return files


def _is_onnx(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return looks_like_onnx(file.read(3))


def _role(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> Role:
    """Latents in and images out is a generator, images in and one number out a discriminator."""
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    role: Any = metadata.get(ROLE_KEY)
    if role in FILES:
        return role  # type: ignore[no-any-return]
    initialisers = {tensor.name for tensor in model.graph.initializer}
    source = next((shapes.get(i.name, ()) for i in model.graph.input if i.name not in initialisers), ())
    target = shapes.get(model.graph.output[0].name, ())
    flat_in, flat_out = (len(s) == 2 or (len(s) == 4 and s[2:] == (1, 1)) for s in (source, target))
    if flat_in and len(target) == 4 and not flat_out:
        return "generator"
    if len(source) == 4 and not flat_in and (flat_out or len(target) == 1):
        return "discriminator"
    raise BadInputError(f"it maps {source} to {target}: neither a generator nor a discriminator of square images")


def _described(nets: dict[Role, OnnxNet], request: LoadRequest) -> Card:
    """The card of networks that bring none: sizes from the shapes, the rest by convention."""
    assumed = []
    pinned = request.pinned.get("z_distribution")
    image = {net.image_shape for net in nets.values()}
    if len(image) > 1:
        raise BadInputError(f"its generator and discriminator disagree on the images: {sorted(image)}")
    channels, size = image.pop()
    value_range = (-1.0, 1.0)
    z_size = 100
    if generator := nets.get("generator"):
        z_size = generator.z_size
        value_range = RANGES.get(generator.last_activation, value_range)
        if generator.last_activation not in RANGES:
            assumed.append("image values are in [-1, 1]: the generator ends in neither tanh nor sigmoid")
        if pinned is None:
            assumed.append("z is uniform on [-1, 1], as in the paper: an ONNX file does not say")
    else:
        assumed.append("image values are in [-1, 1], as in the paper: an ONNX discriminator does not say")
    discriminator = nets.get("discriminator")
    if discriminator is not None and discriminator.without_sigmoid:
        assumed.append("the discriminator's last sigmoid was left out: its score is the logit")
    return Card(
        name=request.path.resolve().stem,
        format="ONNX",
        image_size=size,
        channels=channels,
        z_size=z_size,
        z_distribution=pinned or "uniform",  # type: ignore[arg-type]  # the request was checked for these two
        value_range=value_range,
        assumed=tuple(assumed),
    )
