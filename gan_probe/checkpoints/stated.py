"""Weights under an architecture that the user states: a card in JSON, as `gan-probe info --json` prints it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, UsageError, one_line

if TYPE_CHECKING:
    from torch import Tensor

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.weights import Role
    from gan_probe.gan import GAN
    from gan_probe.stage import Stage

EXTRAS = ("layers", "gives", "readings")  # what `info --json` prints besides the card
LARGEST_CARD = 2**20


def load_stated(request: LoadRequest) -> GAN:
    """Open state dicts under the request's `arch`; BadInputError where the two do not fit."""
    from gan_probe.checkpoints.foreign import opened
    from gan_probe.checkpoints.weights import build
    from gan_probe.gan import Card

    path = Path(request.arch or "")
    card = Card.from_dict(_read(path))
    files, found, digests = opened(request)
    weights: dict[Role, dict[str, Tensor]] = {}
    for role, state in found.items():
        stages: tuple[Stage, ...] | None = getattr(card, role)
        if stages is None:
            raise UsageError(f"{path.name} describes no {role}, but {files[0][0].name} holds one")
        weights[role] = _fitted(role, stages, card, state.tensors)
    sha256 = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    card = dataclasses.replace(
        card,
        generator=card.generator if "generator" in found else None,
        discriminator=card.discriminator if "discriminator" in found else None,
        sha256=sha256,
        assumed=(f"the architecture is as {path.name} states it",),
    )
    return build(card, weights, request.device)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise BadInputError(f"--arch {path.name[-40:]} is too large for a card")
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(one_line(f"--arch {path.name[-40:]} cannot be read: {error.strerror or error}")) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"--arch {path.name[-40:]} is no JSON: write it with `gan-probe info --json`") from error
    if not isinstance(data, dict):
        raise BadInputError(f"--arch {path.name[-40:]} is no card: write it with `gan-probe info --json`")
    return {key: value for key, value in data.items() if key not in EXTRAS}


def _fitted(role: Role, stages: tuple[Stage, ...], card: Any, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the network's names: layers and norms meet the stages in the order of a chain that fits."""
    import torch

    from gan_probe.checkpoints.infer.build import named
    from gan_probe.checkpoints.infer.chain import chains
    from gan_probe.checkpoints.infer.modules import modules
    from gan_probe.network import Network

    size = 1 if role == "generator" else card.image_size
    for blocks in chains(modules(state)[0], role):
        said = [(s.op, s.inputs, s.outputs, s.kernel, s.norm != "none") for s in stages]
        if said == [(b.op, b.inputs, b.outputs, b.kernel, b.norm is not None) for b in blocks]:
            with torch.device("meta"):
                net = Network(stages, size)
            return named(net, blocks)
    raise BadInputError(f"the {role}'s layers are not those of the card: compare with `gan-probe info --json`")
