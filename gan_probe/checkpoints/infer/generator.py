"""Reading a generator: latents are pushed through every reading of its layers, and its norms choose."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from gan_probe.checkpoints.infer.build import built, named
from gan_probe.checkpoints.infer.chain import MOST_CHANNELS
from gan_probe.checkpoints.infer.reading import UNSEEN, Reading, bend, evidence, geometry, rivals
from gan_probe.checkpoints.infer.search import RARE, SLOPES, USUAL, Prefix, Search
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.checkpoints.infer.product import Bend
    from gan_probe.network import Network
    from gan_probe.stage import Stage

LATENTS = 1024
MACS = 1e11  # multiplications for the evidence, at most: seconds
FEWEST = 256  # latents of a wide net, for the evidence
CERTAIN = 0.03  # a misfit that no other activation betters
NEAR, FAR_OFF = 0.12, 0.35  # misfits of a layer beyond which rarer parts, and then the rarest, are tried
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "none": (-1.0, 1.0)}
OUTPUTS = {"tanh": 0.0, "sigmoid": 0.1}  # what each costs for being rarer, where the discriminator must tell
VARIANTS, BEHIND = 3, 0.3  # readings that only the discriminator can tell apart: how many, and how much dearer
BY_HABIT, BY_HINT = "no norm follows", "the discriminator's statistics speak for it"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One reading of the generator, with what follows from it."""

    done: tuple[Prefix, ...]
    blocks: Sequence[Block]
    output: str
    cost: float
    tried: int
    seconds: float
    pinned: frozenset[str]

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, the last of which ends in the output's activation."""
        stages = self.done[0].stages
        return (*stages[:-1], replace(stages[-1], activation=self.output))  # type: ignore[arg-type]

    @functools.cached_property
    def net(self) -> Network:
        """The network with its weights."""
        return built(self.stages, 1, self.blocks)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The tensors under the network's names."""
        return named(self.net, self.blocks)

    @property
    def size(self) -> int:
        """Side of the images."""
        return self.net.layers[-1].size

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.net.layers[-1].channels

    @property
    def z_size(self) -> int:
        """Numbers in a latent."""
        return self.blocks[0].inputs

    def images(self, n: int) -> Tensor:
        """A batch of its images (N, C, H, W), of fixed latents."""
        with torch.no_grad():
            return self.net(latents(self.z_size, self.done[0].z_distribution, n))  # type: ignore[no-any-return]

    def notes(self, habit: Candidate) -> list[str]:
        """What no norm of the generator settles, and whether habit or the discriminator's norms did."""
        found = []
        if "output" not in self.pinned:
            told = BY_HABIT if self.output == habit.output else BY_HINT
            found.append(f"the generator ends in {self.output}, its images in [{RANGES[self.output][0]:g}, 1]: {told}")
        if self.size != habit.size:
            found.append(f"images are {self.size}x{self.size}, not {habit.size}x{habit.size}: {BY_HINT}")
        return found

    def reading(self) -> Reading:
        """The reading with its evidence."""
        names = [layer.name for layer in self.net.layers]
        found = rivals(self.done, names)
        last = max((i for i, block in enumerate(self.blocks) if block.norm), default=-1)
        assumed = [f"{words}: the stored statistics hardly tell, as the two nearly agree" for words in found.near]
        for i, stage in enumerate(self.stages):
            if last <= i < len(self.stages) - 1 and not (i == last and stage.norm_last):
                assumed.append(f"{names[i]}'s activation is {bend(stage)}: {UNSEEN}")
            if i > last and stage.op != "linear":
                assumed.append(f"{names[i]} has {geometry(stage)}: {UNSEEN}")
        doubts = list(found.doubts)
        odd = {s.slope for s in self.stages if (s.activation, s.slope) in SLOPES and "activation" not in self.pinned}
        doubts += [f"leaky ReLU's slope is {slope:g} or near it: hardly anybody's choice" for slope in sorted(odd)]
        if last < 0 and "z_distribution" not in self.pinned:
            doubts.append(f"z is {self.done[0].z_distribution}")
        z = latents(self.z_size, self.done[0].z_distribution, _affordable(self.net))
        return Reading(
            "generator",
            self.stages,
            self.done[0].z_distribution,
            evidence(self.net, z),
            self.done[0].misfit,
            found.runner_up,
            found.margin,
            found.errors,
            tuple(doubts),
            tuple(assumed),
            self.tried,
            round(self.seconds, 2),
        )


def read_generator(
    chains: list[list[Block]], judged: Callable[[int], float], pinned: Mapping[str, str]
) -> list[Candidate]:
    """The best reading, and behind it those that differ only in what no norm of the generator sees.

    `judged` is the cost of images of a side. Raises BadInputError where the shapes lead to no image.
    """
    began = time.perf_counter()
    best: tuple[list[Prefix], list[Block]] | None = None
    tried = 0
    kinds = [pinned["z_distribution"]] if "z_distribution" in pinned else ["normal", "uniform"]
    for level in (0, 1, 2):
        for chain in chains:
            blocks = _as_images(chain)
            search = Search(blocks, "generator", judged, level, pinned)
            starts = {
                kind: Prefix(0.0, 1, functools.partial(latents, blocks[0].inputs, kind, LATENTS), z_distribution=kind)
                for kind in kinds
            }
            done = search.run(starts.values())
            told = (
                0 if blocks[0].norm is None or (done and done[0].stages[0].norm_last) else 1
            )  # by the first norm too?
            if done and any(m > CERTAIN for m in done[0].misfits[told:]) and "activation" not in pinned:
                done = _merged(done, _bent_alike(search, done[0]))
            tried += search.tried
            if done and (best is None or done[0].cost < best[0][0].cost):
                best = done, blocks
        if best is not None and _believable(best[0][0].misfits, level):
            break
    if best is None:
        raise BadInputError("its layers' shapes lead to images of no usual size; pin image_size or use --arch")
    done, blocks = best
    seconds = time.perf_counter() - began
    outputs = {pinned["output"]: 0.0} if "output" in pinned else OUTPUTS
    same = [p for p in done if abs(p.misfit - done[0].misfit) < 1e-6 and p.cost < done[0].cost + BEHIND]
    found = [
        Candidate(
            (p, *(q for q in done if q is not p)), blocks, output, p.cost + cost, tried, seconds, frozenset(pinned)
        )
        for output, cost in outputs.items()
        for p in same[:VARIANTS]
    ]
    return sorted(found, key=lambda candidate: candidate.cost)


def _bent_alike(search: Search, best: Prefix) -> list[Prefix]:
    """The best readings that differ from `best` in one activation for all layers; found with few latents."""
    inputs, kind = search.blocks[0].inputs, best.z_distribution

    def start(n: int) -> Prefix:
        return Prefix(0.0, 1, functools.partial(latents, inputs, kind, n), z_distribution=kind)

    found = search.uniform(best, start(LATENTS // 4))[:4]
    # a wrong slope may have bent the geometry to its needs: the best is searched anew
    free = replace(search, bends=_bends(found[0])).run([start(LATENTS)]) if found else []
    again = (replace(search, like=p.stages, bends=_bends(p)).run([start(LATENTS)]) for p in found)
    return [*free, *(done[0] for done in again if done)]


def _bends(prefix: Prefix) -> dict[Bend, float]:
    habits = USUAL["generator"] | RARE | SLOPES
    return {bend: habits[bend] for bend in ((s.activation, s.slope) for s in prefix.stages[:-1]) if bend in habits}


def _affordable(net: Network) -> int:
    """Latents on which the evidence is taken: fewer of a wide net's, which take seconds and a gigabyte."""
    macs = sum(net.get_parameter(f"{layer.name}.op.weight").numel() * layer.size**2 for layer in net.layers)
    return max(FEWEST, min(LATENTS, int(MACS / macs)))


def _merged(done: list[Prefix], more: list[Prefix]) -> list[Prefix]:
    """All readings once, the cheapest first."""
    found = {p.stages: p for p in sorted([*done, *more], key=lambda p: p.cost, reverse=True)}
    return sorted(found.values(), key=lambda p: p.cost)


def _believable(misfits: list[float], level: int) -> bool:
    """Whether rarer parts need not be tried; few parts stand before the first norm, and few latents blur it most."""
    return all(m <= (FAR_OFF if level or i == 0 else NEAR) for i, m in enumerate(misfits))


def latents(size: int, kind: str, n: int) -> Tensor:
    """Latents (n, size) of a fixed seed: the same reading every time."""
    generator = torch.Generator().manual_seed(0)
    if kind == "normal":
        return torch.randn(n, size, generator=generator)
    return torch.rand(n, size, generator=generator) * 2 - 1


def _as_images(blocks: list[Block]) -> list[Block]:
    """A generator that ends in a dense layer: its units as square images of few channels."""
    last = blocks[-1]
    if last.op != "linear":
        return blocks
    for channels in range(1, MOST_CHANNELS + 1):
        side = math.isqrt(last.outputs // channels)
        if side * side * channels == last.outputs:
            return [*blocks[:-1], replace(last, reshape=side)]
    raise BadInputError(f"its last layer's {last.outputs} units make no square images")
