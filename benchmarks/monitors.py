"""How often the training monitors see a planted collapse, when, and how often they cry wolf.

    python benchmarks/monitors.py [--seeds N] [--space SPACE]

Trains tiny GANs on scikit-learn's digits, 528 steps each, six seconds a seed on one core. `healthy` is left alone; in
the others, from step 330 on, G draws one image (`constant`) or hears one dimension of z only (`one dimension`); with
`rate 0.3` the learning rate is far too high throughout. `k of 10` draws mixtures of two real images of a digit in G's
place, from step 330 on of k digits: no collapse for 10. Called: the verdict is not `steady`; the delay is from the
planting to the step that it names, a median. `long` ones go on twice as long, as a collapse within kinds is called from
1,000 steps on alone: `shrunk` draws real images moved towards their digit's mean, so that a third of what they differ
by is left. Intervals are Wilson's. The last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe.data import open_data
from gan_probe.feature_space import open_space
from gan_probe.gan import GAN, Card
from gan_probe.measures.intervals import wilson
from gan_probe.network import Network
from gan_probe.report import Table
from gan_probe.report.text import format_table
from gan_probe.training import Recipe
from gan_probe.training.loop import train
from gan_probe.training.monitor import SAMPLES, Monitor
from gan_probe.training.verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe.data import Images
    from gan_probe.feature_space import FeatureSpace

PLANTED = 330
STEPS = 528
HEALTHY = Recipe(epochs=24, width=8, kernel=4, batch_size=64, learning_rate=2e-3)


def constant(gan: GAN) -> None:
    """Let G draw one image."""
    assert isinstance(gan.generator, Network)
    gan.generator.get_submodule(gan.generator.layers[-1].name).op.weight.data.zero_()  # its bias remains


def one_dimension(gan: GAN) -> None:
    """Let G hear the first dimension of z only."""
    assert isinstance(gan.generator, Network)
    next(gan.generator.parameters()).data[:, 1:] = 0


def trained(
    data: Images, recipe: Recipe, seed: int, space: FeatureSpace, plant: Callable[[GAN], None] | None = None
) -> Verdict:
    """The verdict on a training, spoilt from step `PLANTED` on."""
    rng = np.random.default_rng(seed)
    monitor = Monitor(data.images[rng.permutation(len(data))[: 2 * SAMPLES]], rng, space)

    def watch(step: int, gan: GAN) -> None:
        if plant is not None and step >= PLANTED:
            plant(gan)
        monitor(step, gan)

    _, history = train(data.images, recipe, seed=seed, on_step=watch)
    return judge(history.rows, monitor.looks, monitor.reference)


def drawn(
    data: Images, classes: int, seed: int, space: FeatureSpace, kept_share: float = 1, steps: int = STEPS
) -> Verdict:
    """The verdict where mixtures of real images are drawn in G's place.

    From step `PLANTED` on they are of some classes only, and keep a share of what they differ from the class' mean by.
    """
    rng = np.random.default_rng(seed)
    monitor = Monitor(data.images[rng.permutation(len(data))[: 2 * SAMPLES]], rng, space)
    kept = rng.permutation(10)[:classes]
    by_class = [data.images[data.labels == label].astype(float) for label in range(10)]

    class Drawer(GAN):
        def sample(self, z: torch.Tensor, *_: object) -> torch.Tensor:  # type: ignore[override]
            """A 3:1 mixture of two images of a class for each latent."""
            pools = [
                by_class[label] for label in (rng.choice(kept, len(z)) if step >= PLANTED else np.arange(len(z)) % 10)
            ]
            mixtures = [0.75 * pool[rng.integers(len(pool))] + 0.25 * pool[rng.integers(len(pool))] for pool in pools]
            if step >= PLANTED:
                mixtures = [
                    pool.mean(0) + kept_share * (mixture - pool.mean(0))
                    for mixture, pool in zip(mixtures, pools, strict=True)
                ]
            return self.from_uint8(np.array(mixtures).astype(np.uint8))

    drawer = Drawer(Card("drawer", "none", 16, 1))
    for step in range(steps):
        monitor(step, drawer)
    return judge([], monitor.looks, monitor.reference)


def main() -> None:
    """Run all and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="the trainings whose name contains this")
    parser.add_argument("--space", default="pixels", help="the feature space; the published counts are of pixels")
    options = parser.parse_args()
    seeds = options.seeds
    torch.set_num_threads(1)
    data = open_data("digits").train.load(16, 1)
    space = open_space(options.space, 16, 1)
    broken = dataclasses.replace(HEALTHY, learning_rate=0.3)
    kinds: dict[str, Callable[[int], Verdict]] = {
        "healthy": lambda seed: trained(data, HEALTHY, seed, space),
        "constant": lambda seed: trained(data, HEALTHY, seed, space, constant),
        "one dimension": lambda seed: trained(data, HEALTHY, seed, space, one_dimension),
        "rate 0.3": lambda seed: trained(data, broken, seed, space),
        "long, healthy": lambda seed: trained(data, dataclasses.replace(HEALTHY, epochs=48), seed, space),
        "long, whole": lambda seed: drawn(data, 10, seed, space, 1, 2 * STEPS),
        "long, shrunk": lambda seed: drawn(data, 10, seed, space, 1 / 3, 2 * STEPS),
    }
    kinds |= {f"{k} of 10": lambda seed, k=k: drawn(data, k, seed, space) for k in (10, 7, 5, 4, 3, 2, 1)}  # type: ignore[misc]
    rows = []
    for name, run in kinds.items():
        if options.only not in name:
            continue
        verdicts = [run(seed) for seed in range(seeds)]
        called = sum(verdict.kind != "steady" for verdict in verdicts)
        low, high = wilson(called, seeds)
        delays = [verdict.step - PLANTED for verdict in verdicts if verdict.kind == "collapsed" and verdict.step]
        delay = float(np.median(delays)) if delays else None
        words = sorted({verdict.kind for verdict in verdicts})
        rows.append(
            {"training": name, "called": called, "of": seeds, "low": low, "high": high, "delay": delay}
            | {"kinds": ", ".join(words)}
        )
        print(name, called, "of", seeds, words, flush=True)
    print(format_table(Table("monitors", rows, formats={"low": ".0%", "high": ".0%", "delay": ".0f"})))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
