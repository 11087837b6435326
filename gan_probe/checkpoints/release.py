"""The paper authors' release (github Newmu/dcgan_code): joblib dumps, of which only the .npy arrays are read.

The architecture follows from the arrays' order and shapes. Their kernels belong to true convolutions, torch's to
cross-correlations: they are flipped in height and width. Dense layers multiply from the right: w is (inputs, outputs).
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from torch import Tensor

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN
    from gan_probe.stage import Stage

NAME = re.compile(r"^(?P<snapshot>.*)(?P<role>gen|discrim)_params\.jl(?:_(?P<number>\d+)\.npy)?$")
EPS = 1e-8
CHANNEL_NORM: dict[str, Any] = {"norm": "channel", "eps": EPS, "statistics": False}
LATENTS, BATCH = 2048, 128  # on which missing statistics are computed: variances to 3 %, in 2 s for the SVHN model
UNIFORM, NORMAL = "uniform", "normal"
UNSTORED = "the discriminator stores no batch-norm statistics: it uses each batch's own until recomputed"


def load(request: LoadRequest) -> GAN | None:
    """Open a folder of the release, or one of its .jl files; None for other things.

    The latest snapshot counts where there are several. Generator or discriminator may be absent.
    """
    if request.generator or request.discriminator:
        return None
    folder = request.path if request.path.is_dir() else request.path.parent
    chosen = None if request.path.is_dir() else NAME.match(request.path.name)
    if not request.path.is_dir() and chosen is None:
        return None
    found = _files(folder)
    if not found:
        return None
    snapshot = chosen["snapshot"] if chosen else max(found, key=_natural)
    if snapshot not in found:
        raise BadInputError("its .npy arrays are not beside it; put the whole release into one folder")
    assumed = [] if chosen or len(found) == 1 else [f"the latest of {len(found)} snapshots: {snapshot}"]
    arrays: dict[Role, list[np.ndarray]] = {
        role: [_array(path) for path in sorted(paths, key=lambda p: _natural(p.name))]
        for role, paths in found[snapshot].items()
    }
    return _build(folder.resolve().name, arrays, request, assumed)


def _files(folder: Path) -> dict[str, dict[Role, list[Path]]]:
    """The arrays' paths by snapshot (`200_`) and role."""
    found: dict[str, dict[Role, list[Path]]] = {}
    for path in folder.iterdir():
        if (match := NAME.match(path.name)) and match["number"] and path.is_file():
            role: Role = "generator" if match["role"] == "gen" else "discriminator"
            found.setdefault(match["snapshot"], {}).setdefault(role, []).append(path)
    return found


def _natural(name: str) -> list[Any]:
    # a split by digits alternates text and number, so that parts compare with their like
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def _array(path: Path) -> np.ndarray:
    import numpy as np

    try:
        # a memory map refuses objects, which would be pickles, and headers that declare more than the file holds
        array = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, SyntaxError, OverflowError) as error:
        raise BadInputError(f"{path.name} is not a whole .npy array of numbers; get the release again") from error
    if array.dtype.kind != "f" or array.ndim not in (1, 2, 4):
        raise BadInputError(f"{path.name} is {array.dtype} with {array.ndim} dimensions, not a layer's weights")
    return np.array(array, dtype=np.float32, order="C")


def _build(name: str, arrays: dict[Role, list[np.ndarray]], request: LoadRequest, assumed: list[str]) -> GAN:
    from gan_probe.checkpoints.weights import ROLES, build, placed
    from gan_probe.gan import Card

    digest = hashlib.sha256()
    for role in ROLES:
        for array in arrays.get(role, ()):
            digest.update(array.tobytes())
    stages: dict[Role, tuple[Stage, ...]] = {}
    weights: dict[Role, dict[str, Tensor]] = {}
    images: dict[Role, tuple[int, int]] = {}  # size, channels
    if "generator" in arrays:
        stages["generator"], weights["generator"], size = _generator(arrays["generator"])
        images["generator"] = (size, stages["generator"][-1].outputs)
    if "discriminator" in arrays:
        stages["discriminator"], weights["discriminator"], size = _discriminator(arrays["discriminator"])
        images["discriminator"] = (size, stages["discriminator"][0].inputs)
        assumed.append(UNSTORED)
    if len(set(images.values())) > 1:
        raise BadInputError(f"generator and discriminator disagree on the images' size and channels: {images}")
    image_size, channels = next(iter(images.values()))
    z_size = stages["generator"][0].inputs if "generator" in stages else 100
    z_distribution = request.pinned.get("z_distribution")
    if z_distribution is None and "generator" in stages:
        # batch norm behind the first layer hides z's scale, so the arrays cannot tell
        z_distribution = NORMAL if (image_size, z_size) == (32, 100) else UNIFORM
        assumed.append(f"z is {z_distribution}: the release's SVHN model takes normal z, its other models uniform z")
    card = Card(
        name=name,
        format="dcgan_code release",
        image_size=image_size,
        channels=channels,
        z_size=z_size,
        z_distribution=z_distribution or NORMAL,  # type: ignore[arg-type]  # the request was checked for these two
        generator=stages.get("generator"),
        discriminator=stages.get("discriminator"),
        sha256=digest.hexdigest(),
        assumed=tuple(assumed),
    )
    gan = build(card, weights)
    if gan.generator is not None:
        _calibrate(gan)
    return placed(gan, request.device)


def _calibrate(gan: GAN) -> None:
    """Give the generator fixed statistics: with each batch's own, an image would depend on its neighbours."""
    import numpy as np
    import torch

    from gan_probe.checkpoints.weights import described
    from gan_probe.features import recalibrate

    assert gan.generator is not None  # noqa: S101  # the caller has looked
    z = gan.latent(LATENTS, np.random.default_rng(0))
    gan.generator.statistics = recalibrate(gan.generator, torch.split(z, BATCH))
    note = (
        f"the generator stores no batch-norm statistics: computed on {LATENTS:,} latents in batches of {BATCH}, seed 0"
    )
    card = described(gan)
    gan.card = dataclasses.replace(card, assumed=(*card.assumed, note))


def _generator(arrays: Sequence[np.ndarray]) -> tuple[tuple[Stage, ...], dict[str, Tensor], int]:
    """Stages, weights and image size from: dense w, gain, bias; (kernels, gain, bias)...; kernels."""
    from gan_probe.stage import Stage

    kernels = [a for a in arrays if a.ndim == 4]
    _expect(arrays, [2, 1, 1, *[4, 1, 1] * (len(kernels) - 1), 4])
    dense, maps = arrays[0], kernels[0].shape[0]
    size = round((dense.shape[1] / maps) ** 0.5)
    first = Stage("linear", dense.shape[0], dense.shape[1], shape=(maps, size, size), activation="relu")
    stages = [dataclasses.replace(first, **{**CHANNEL_NORM, "norm": "unit"})]
    for step, kernel in enumerate(kernels):
        inputs, outputs, side, _ = kernel.shape  # theano's deconvolution: (in, out, H, W)
        # the 3x3 model of the release doubles the size with every other layer, its 5x5 models with each
        stride = 2 if side > 3 or step % 2 == 0 else 1
        last = step == len(kernels) - 1
        stage = Stage("conv_transpose", inputs, outputs, side, stride, side // 2, stride - 1)
        if last:
            stages.append(dataclasses.replace(stage, activation="tanh"))
        else:
            stages.append(dataclasses.replace(stage, activation="relu", **CHANNEL_NORM))
        size *= stride
    return tuple(stages), _named(stages, arrays), size


def _discriminator(arrays: Sequence[np.ndarray]) -> tuple[tuple[Stage, ...], dict[str, Tensor], int]:
    """Stages, weights and image size from: kernels; (kernels, gain, bias)...; dense w. Its sigmoid is left out."""
    from gan_probe.stage import Stage

    kernels = [a for a in arrays if a.ndim == 4]
    _expect(arrays, [4, *[4, 1, 1] * (len(kernels) - 1), 2])
    dense = arrays[-1]
    size = round((dense.shape[0] / kernels[-1].shape[0]) ** 0.5)
    stages = []
    for step, kernel in enumerate(kernels):
        outputs, inputs, side, _ = kernel.shape
        stride = 2 if side > 3 or step % 2 == 1 else 1
        stage = Stage("conv", inputs, outputs, side, stride, side // 2, activation="leaky_relu", slope=0.2)
        stages.append(stage if step == 0 else dataclasses.replace(stage, **CHANNEL_NORM))
        size *= stride
    stages.append(Stage("linear", dense.shape[0], dense.shape[1]))
    return tuple(stages), _named(stages, arrays), size


def _expect(arrays: Sequence[np.ndarray], dimensions: list[int]) -> None:
    odd = all(a.shape[2] == a.shape[3] and a.shape[2] % 2 for a in arrays if a.ndim == 4)
    if len(arrays) < 4 or [a.ndim for a in arrays] != dimensions or not odd or any(0 in a.shape for a in arrays):
        shapes = ", ".join("x".join(map(str, a.shape)) for a in arrays[:6])
        raise BadInputError(f"its arrays are not in the release's order ({shapes}, ...); is a file missing?")


def _named(stages: Sequence[Stage], arrays: Sequence[np.ndarray]) -> dict[str, Tensor]:
    """The arrays under the names that `Network` gives them, kernels flipped, dense matrices transposed."""
    import numpy as np
    import torch

    named = {}
    left = iter(arrays)
    counts: dict[str, int] = {}
    for stage in stages:
        kind = {"linear": "dense", "conv": "conv", "conv_transpose": "deconv"}[stage.op]
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind}{counts[kind]}"
        w = next(left)
        w = w.T if w.ndim == 2 else w[:, :, ::-1, ::-1]
        named[f"{name}.op.weight"] = torch.from_numpy(np.array(w, order="C"))
        if stage.norm != "none":
            named[f"{name}.norm.weight"] = torch.from_numpy(next(left))
            named[f"{name}.norm.bias"] = torch.from_numpy(next(left))
    return named
