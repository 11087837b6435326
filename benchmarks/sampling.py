"""Images a second of `gan.sample` and of `ctx.samples` against a bare `generator(z)` loop, alternating in one run.

    python benchmarks/sampling.py [CHECKPOINT ...] [--images N] [--batch-size N] [--threads N] [--rounds N]

The loop runs the same network on the same latents in the same batches, and keeps what it gives; `ctx.samples` also
draws the latents, makes pixels of the images, and hands out copies. The last line is JSON: the share of the loop's rate
that each reaches.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

import torch

import gan_probe
from gan_probe import Context

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKPOINTS = ["digits-dcgan", "cifar10-dcgan", "faces-dcgan"]  # 16, 32 and 64 pixels


def measure(checkpoint: str, images: int, batch_size: int, rounds: int) -> dict[str, float]:
    """The loop's time over ours, by the wall's clock and by the processor's."""
    gan = gan_probe.load(checkpoint)
    generator = gan.generator
    assert generator is not None
    z = Context().samples(gan, images).z

    def bare() -> list[torch.Tensor]:
        with torch.no_grad():
            return [generator(part) for part in z.split(batch_size)]

    ways: dict[str, Callable[[], object]] = {
        "loop": bare,
        "gan.sample": lambda: gan.sample(z, batch_size=batch_size),
        "ctx.samples": lambda: Context(batch_size=batch_size).samples(
            gan, images
        ),  # a context of its own: none drawn yet
    }
    assert torch.equal(torch.cat(bare()), gan.sample(z, batch_size=batch_size))
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter(), time.process_time()
            way()
            took[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    # the fastest round of each: what other programs took from a round says nothing of ours
    best = {name: [min(clock) for clock in zip(*each, strict=True)] for name, each in took.items()}
    for name, seconds in best.items():
        wall, processor = (images / clock for clock in seconds)
        print(f"{checkpoint:>14} {name:>12}: {wall:8.0f} images a second, {processor:8.0f} a processor second")
    result = {}
    for name in ("gan.sample", "ctx.samples"):
        result[name] = round(best["loop"][0] / best[name][0], 3)
        result[f"{name}_processor"] = round(best["loop"][1] / best[name][1], 3)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", default=CHECKPOINTS)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    shares = {c: measure(c, chosen.images, chosen.batch_size, chosen.rounds) for c in chosen.checkpoints}
    print(json.dumps({"batch_size": chosen.batch_size, "threads": chosen.threads, "share_of_the_loop": shares}))


if __name__ == "__main__":
    main()
