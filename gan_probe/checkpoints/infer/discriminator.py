"""Reading a discriminator: its shapes must lead from the generator's images to one score; its norms give hints."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.checkpoints.infer.build import built, named
from gan_probe.checkpoints.infer.geometry import IMPOSSIBLE, image_cost, remaining
from gan_probe.checkpoints.infer.reading import UNSEEN, Reading, bend, close, evidence, geometry, rivals
from gan_probe.checkpoints.infer.search import Prefix, Search
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from gan_probe.checkpoints.infer.chain import Block
    from gan_probe.network import Network

FAR_OFF = 0.6  # the misfit of a layer beyond which rarer parts are tried


@dataclass(frozen=True, eq=False)
class Judged:
    """A discriminator's reading, and what it costs to believe it."""

    reading: Reading
    net: Network
    weights: dict[str, Tensor]
    cost: float


def judges(chains: Sequence[list[Block]] | None, pinned: Mapping[str, str]) -> Callable[[int], float]:
    """The cost of images of a side: by habit, and by what the discriminator's shapes can take; or the user's word."""
    wanted = int(pinned["image_size"]) if "image_size" in pinned else 0
    costs = [remaining(blocks, "discriminator", _one) for blocks in chains or []]

    def cost(size: int) -> float:
        if wanted:
            return 0.0 if size == wanted else IMPOSSIBLE
        seen = min((c(0, size, None) for c in costs), default=0.0)
        return image_cost(size) + seen

    return cost


def read_discriminator(
    chains: Sequence[list[Block]],
    size: int,
    channels: int,
    images: Tensor | None,
    rare: bool = True,
    ceiling: float = math.inf,
) -> Judged:
    """The best reading for images (N, C, H, W) of the generator; BadInputError where its shapes do not take them.

    Without `rare`, rarer parts are tried only where nothing usual fits the shapes: quick, to compare generators. What
    costs more than the `ceiling` is given up, and reported as fitting nothing.
    """
    began = time.perf_counter()
    best: tuple[list[Prefix], list[Block]] | None = None
    tried = 0
    for blocks in chains:
        first = blocks[0]
        takes = first.inputs / size**2 if first.op == "linear" else first.inputs
        if channels and takes != channels:
            continue
        for level in (0, 1, 2):
            search = Search(blocks, "discriminator", _one, level, ceiling=ceiling)
            done = search.run([Prefix(0.0, size, None if images is None else images.clone)])
            tried += search.tried
            if done and (best is None or done[0].cost < best[0][0].cost):
                best = done, blocks
            # its norms saw real images too, so they are believed less, but not anything
            if ceiling < math.inf or (
                best is not None and (not rare or level or all(m <= FAR_OFF for m in best[0][0].misfits))
            ):
                break
    if best is None:
        raise BadInputError(
            f"its discriminator does not take the generator's images, {channels or '?'} channels of {size}x{size}: "
            "are they a pair?"
        )
    done, blocks = best
    net = built(done[0].stages, size, blocks)
    found = rivals(done, [layer.name for layer in net.layers])
    reading = Reading(
        "discriminator",
        net.stages,
        "",
        evidence(net, images) if images is not None else (),
        done[0].misfit,
        found.runner_up,
        found.margin,
        found.errors,
        close(done, [layer.name for layer in net.layers]),
        tuple(_assumed(net, images is not None)),
        tried,
        round(time.perf_counter() - began, 2),
    )
    return Judged(reading, net, named(net, blocks), done[0].cost)


def _assumed(net: Network, compared: bool) -> list[str]:
    """What habit or hints settled, and why; `compared` says whether there were images to try its norms on."""
    alone = sorted({stage.norm for stage in net.stages} & {"instance", "layer"})
    said = [f"norms are by {', '.join(alone)}, with eps 1e-05: group norm would look alike"] if alone else []
    names = [layer.name for layer in net.layers]
    last = max((names.index(name) for name in net.norms), default=-1)
    bent = last + 1 if last >= 0 and net.stages[last].norm_last else max(last, 0)  # a norm sees what lies before it
    hints = "read by hints alone: the stored statistics saw real images too"
    habit = "the usual ones: without a generator there are no images to hold against the stored statistics"
    parts = (
        (net.stages[:bent], net.stages[: last + 1], hints if compared else habit),
        (net.stages[bent:-1], net.stages[last + 1 :], f"the usual ones: {UNSEEN}"),
    )
    for bends, moves, why in parts:
        hidden = ", ".join(sorted({bend(stage) for stage in bends}))
        steps = "; ".join(geometry(stage) for stage in moves if stage.op == "conv")
        behind = f" behind {names[last]}" if why.endswith(UNSEEN) and last >= 0 else ""
        said += [f"activations{behind} ({hidden}) are {why}"] if hidden else []
        said += [f"convolutions{behind} ({steps}) are {why}"] if steps else []
    return said


def _one(size: int) -> float:
    return 0.0 if size == 1 else IMPOSSIBLE
