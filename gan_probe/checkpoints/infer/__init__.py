"""Reading an architecture out of weights: names, shapes and order leave candidates, batch-norm statistics decide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.checkpoints.infer.chain import chains
from gan_probe.checkpoints.infer.discriminator import judges, read_discriminator
from gan_probe.checkpoints.infer.generator import RANGES, Candidate, read_generator
from gan_probe.checkpoints.infer.geometry import IMPOSSIBLE, LARGEST_IMAGE
from gan_probe.checkpoints.infer.modules import modules
from gan_probe.checkpoints.infer.reading import POOR, POOR_HINT, Evidence, Reading
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.checkpoints.infer.discriminator import Judged
    from gan_probe.checkpoints.weights import Role

FEW, ENOUGH = 48, 128  # images for hints: to compare generators, and to read the discriminator
HINT = 0.08  # by how much the discriminator's statistics must speak against habit, in the unit of misfit
__all__ = ["Evidence", "Inferred", "Reading", "doubtful", "infer"]


@dataclass(frozen=True)
class Inferred:
    """What was read of one network or a pair: weights and readings by role, and the facts of the card."""

    weights: dict[Role, dict[str, Tensor]]
    readings: dict[Role, Reading]
    image_size: int
    channels: int
    z_size: int
    z_distribution: str
    value_range: tuple[float, float]
    assumed: tuple[str, ...]


def infer(states: Mapping[Role, Mapping[str, Tensor]], pinned: Mapping[str, str]) -> Inferred:
    """Read the networks of one or two state dicts, in one thread: a busy machine makes many wait for each other.

    `pinned` may hold z_distribution, image_size, activation (of the generator's hidden layers, as `leaky_relu:0.2`)
    and output (tanh, sigmoid, none). Raises BadInputError where no reading fits the shapes.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _infer(states, pinned)
    finally:
        torch.set_num_threads(threads)


def _infer(states: Mapping[Role, Mapping[str, Tensor]], pinned: Mapping[str, str]) -> Inferred:
    found = {role: modules(state) for role, state in states.items()}
    order = {role: chains(parts, role) for role, (parts, _) in found.items()}
    assumed = [f"the {role}'s {note}" for role, (_, notes) in found.items() for note in notes]
    judged = judges(order.get("discriminator"), pinned)
    if "generator" not in order:
        size = min(range(4, LARGEST_IMAGE + 1), key=judged)
        if judged(size) == IMPOSSIBLE:
            raise BadInputError("its discriminator's shapes fit images of no size; use --arch")
        read = read_discriminator(order["discriminator"], size, 0, None)
        channels = read.net.stages[0].inputs // (size * size if read.net.stages[0].op == "linear" else 1)
        told = [f"images are {size}x{size}, their values in [-1, 1]: a discriminator alone does not say"]
        facts = (size, channels, 100, "uniform", RANGES["tanh"])
        return _inferred(None, read, facts, [*assumed, *told])
    candidates = read_generator(order["generator"], judged, pinned)
    chosen, judge = candidates[0], None
    if "discriminator" in order:
        chosen, judge = _pair(candidates, order["discriminator"])
    assumed += chosen.notes(candidates[0])
    facts = (chosen.size, chosen.channels, chosen.z_size, chosen.done[0].z_distribution, RANGES[chosen.output])
    return _inferred(chosen, judge, facts, assumed)


def _pair(candidates: list[Candidate], blocks: list[list[Block]]) -> tuple[Candidate, Judged]:
    """The generator's candidate whose images the discriminator's statistics know best, habit being equal."""
    best: tuple[float, Candidate, Judged] | None = None
    failed: BadInputError | None = None
    for candidate in candidates:
        try:
            # the first is habit's: a hint must be loud to outweigh it
            most = best[0] - (HINT if best[1] is candidates[0] else 0.0) - candidate.cost if best else math.inf
            read = read_discriminator(blocks, candidate.size, candidate.channels, candidate.images(FEW), False, most)
        except BadInputError as error:
            failed = failed or error
            continue
        if read.cost < most:
            best = candidate.cost + read.cost, candidate, read
        if not read.reading.evidence:  # it has no norm, so nothing to say
            break
    if best is None:
        raise failed or BadInputError("its two networks do not fit together")
    chosen = best[1]
    return chosen, read_discriminator(blocks, chosen.size, chosen.channels, chosen.images(ENOUGH))


def _inferred(
    chosen: Candidate | None,
    read: Judged | None,
    facts: tuple[int, int, int, str, tuple[float, float]],
    notes: list[str],
) -> Inferred:
    readings: dict[Role, Reading] = {}
    weights: dict[Role, dict[str, Tensor]] = {}
    if chosen is not None:
        readings["generator"], weights["generator"] = chosen.reading(), chosen.weights
    if read is not None:
        readings["discriminator"], weights["discriminator"] = read.reading, read.weights
        notes.append("the discriminator's score is its last layer's output, a logit: a sigmoid leaves no trace")
    for role, reading in readings.items():
        notes += [f"the {role}'s {sentence}" for sentence in reading.assumed]
    return Inferred(weights, readings, *facts, assumed=tuple(dict.fromkeys(notes)))


def doubtful(reading: Reading) -> list[str]:
    """What makes a reading doubtful, in sentences; empty where nothing does."""
    found = [f"the {reading.role}'s {doubt}: its statistics hardly tell" for doubt in reading.doubts]
    poor = POOR if reading.role == "generator" else POOR_HINT
    bad = [e.layer for e in reading.evidence if max(e.mean, e.variance) > poor]
    if bad:
        found.append(f"no reading of the {reading.role} agrees with the stored statistics of {', '.join(bad)}")
    return found
