"""Writing a GAN as ONNX, compared with torch before it is kept."""

from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from onnx import helper

from gan_probe.checkpoints.onnx import CARD_KEY, FILES, ROLE_KEY
from gan_probe.checkpoints.onnx.by_torch import by_torch
from gan_probe.checkpoints.onnx.net import OnnxNet
from gan_probe.checkpoints.onnx.read import infer_shapes
from gan_probe.checkpoints.onnx.write import to_onnx
from gan_probe.checkpoints.release import BATCH, LATENTS, UNSTORED
from gan_probe.checkpoints.weights import described, torch_networks
from gan_probe.disk import write_bytes
from gan_probe.errors import BadInputError, OutputError, UsageError
from gan_probe.features import recalibrated
from gan_probe.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import onnx
    from torch import Tensor

    from gan_probe.checkpoints.weights import Role
    from gan_probe.features.statistics import Batch
    from gan_probe.gan import GAN
    from gan_probe.wrapped import Wrapped

TOLERANCE = 1e-4  # between torch and onnxruntime, times the largest value of a layer where that is above 1
PROBES = 8


def export_onnx(gan: GAN, path: Path, calibration: Iterable[Batch] | None = None) -> list[Path]:
    """Write generator.onnx and/or discriminator.onnx into a folder, or a GAN of one network to a file `*.onnx`.

    Inputs are `z` (N, Z) or `image` (N, C, H, W), and `labels` (N,) int64 where conditional; N is free. Batch norms
    stay nodes of their own, so that their statistics can be recomputed later. A discriminator without stored
    statistics gets those of the `calibration` batches, else of its own generator's samples; its card then says so.
    Returns the files written. Raises BadInputError where there is neither, or where onnxruntime differs from torch by
    more than 1e-4 (nothing is then written); UsageError for networks that are ONNX already; OutputError where it
    cannot be written.
    """
    nets = torch_networks(gan)
    single = path.suffix == ".onnx" and not path.is_dir()
    if single and len(nets) != 1:
        raise UsageError(f"{path.name} is one file for {len(nets)} networks; pass a folder")
    contents: dict[Path, bytes] = {}
    for role, net in nets.items():
        with _calibrated(gan, role, net, calibration) as notes:
            card = described(gan)
            # what is written has statistics
            kept = [note for note in card.assumed if note != UNSTORED]
            card = dataclasses.replace(card, assumed=(*kept, *notes))
            model = to_onnx(net, role) if isinstance(net, Network) else by_torch(net, _inputs(gan, role)[0], role)
            helper.set_model_props(model, {CARD_KEY: json.dumps(card.to_dict()), ROLE_KEY: role})
            _compare(gan, role, net, model)
        contents[path if single else path / FILES[role]] = model.SerializeToString()
    try:
        (path.parent if single else path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    for file, content in contents.items():
        write_bytes(file, content)
    return list(contents)


@contextmanager
def _calibrated(
    gan: GAN, role: Role, net: Network | Wrapped, calibration: Iterable[Batch] | None
) -> Iterator[tuple[str, ...]]:
    """Within the block the network has statistics to store; yields what the card must say of them."""
    if net.statistics is not None:
        yield ()
        return
    if role == "generator":
        batches: Iterable[Batch] = _latents(gan)
        source = f"{LATENTS:,} latents"
    elif calibration is not None:
        batches, source = calibration, "the images passed for it"
    elif gan.generator is not None:
        batches = ((gan.sample(z, labels), labels) for z, labels in _latents(gan))
        source = f"{LATENTS:,} of the generator's own samples"
    else:
        raise BadInputError(f"{gan.card.name}'s discriminator stores no batch-norm statistics; pass images (--data)")
    with recalibrated(net, _on(gan.device, batches)):
        yield (f"the {role} stored no batch-norm statistics: computed on {source} before it was exported",)


def _latents(gan: GAN) -> Iterator[tuple[Tensor, Tensor | None]]:
    rng = np.random.default_rng(0)
    classes = len(gan.card.classes)
    for _ in range(0, LATENTS, BATCH):
        yield gan.latent(BATCH, rng), torch.arange(BATCH) % classes if classes else None


def _on(device: torch.device, batches: Iterable[Batch]) -> Iterator[Batch]:
    for batch in batches:
        x, labels = batch if isinstance(batch, tuple) else (batch, None)
        yield x.to(device), None if labels is None else labels.to(device)


def _inputs(gan: GAN, role: Role) -> tuple[Tensor, Tensor | None]:
    """A few random latents or images, and labels where the networks take any."""
    card = gan.card
    rng = np.random.default_rng(0)
    size = card.image_size
    x = gan.latent(PROBES, rng)
    if role == "discriminator":
        x = torch.from_numpy(rng.uniform(*card.value_range, (PROBES, card.channels, size, size)).astype(np.float32))
    return x, torch.arange(PROBES) % len(card.classes) if card.classes else None


def _compare(gan: GAN, role: Role, net: Network | Wrapped, model: onnx.ModelProto) -> None:
    """Raise BadInputError unless onnxruntime gives torch's output and layers on a few random inputs."""
    x, labels = _inputs(gan, role)
    runtime = OnnxNet(model, infer_shapes(model), role)
    if isinstance(net, Network):
        names = [layer.name for layer in net.layers]
        theirs = runtime.activations(x, names, labels)
        ours = net.activations(x.to(gan.device), names, None if labels is None else labels.to(gan.device))
    else:  # torch's exporter names and fuses as it likes: the output must agree
        theirs, ours = {"output": runtime(x)}, {"output": net(x.to(gan.device))}
    for name in ours:
        expected = ours[name].cpu()
        worst = float((expected - theirs[name]).abs().max() / expected.abs().max().clamp(min=1))
        if not worst <= TOLERANCE:
            raise BadInputError(f"onnxruntime differs from torch by {worst:.2g} in the {role}'s {name}; not written")
