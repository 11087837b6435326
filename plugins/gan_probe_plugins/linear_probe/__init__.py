"""The paper's linear probe (section 5): what the discriminator's features are worth to a linear classifier.

Every convolutional layer's activations, max-pooled to a 4x4 grid, flattened and concatenated; a linear L2-SVM on top,
one class against the rest. Beside it, in the same tables and on the same images, a ladder of baselines: the same
network with random weights, raw pixels, each layer alone, the one-layer K-means that the paper compares with, and a
supervised network of the discriminator's architecture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from gan_probe import Analysis, BadInputError, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context
    from gan_probe.data import Data
    from gan_probe_plugins.linear_probe.protocols import Protocol


@dataclass(frozen=True)
class LinearProbeOptions(Options):
    """Options of `linear-probe`."""

    protocol: Literal["simple", "cifar10", "svhn"] = option(
        "simple",
        "simple: all labels; cifar10: all, and 400 a class; svhn: 100 draws of 100 a class, C by 10,000 held out",
    )
    train_size: int | None = option(None, "training images: a seeded, stratified draw (default: all)", min=4)
    test_size: int | None = option(None, "test images: a seeded, stratified draw (default: all)", min=2)
    layers: tuple[str, ...] | None = option(None, "layers to read, such as conv2,conv3 (default: every convolution)")
    grid: int = option(4, "side of the grid that feature maps are max-pooled to", min=1, max=64)
    c: tuple[float, ...] | None = option(
        None,
        "values of the SVM's C, walked upwards while validation accuracy holds (default: the protocol's)",
        min=1e-9,
        max=1e9,
    )
    validation: float = option(0.2, "share of the training images that chooses C", min=0.05, max=0.5)
    labels_per_class: tuple[int, ...] | None = option(
        None, "also fit on draws of so few labels, such as 10,100,400 (default: the protocol's)", min=1
    )
    draws: int | None = option(None, "draws for each of them (default: 10, or 100 for svhn)", min=2, max=10_000)
    bn: Literal["data", "stored"] = option(
        "data", "batch-norm statistics: recomputed on the training images (no labels used), or as stored"
    )
    storage: Literal["float32", "float16"] = option(
        "float32",
        "of features: float16 halves memory and disk; on CIFAR-10 it changed 3 of 10,000 predictions or fewer",
    )
    store: bool = option(True, "keep large features on disk for the next run (see `gan-probe cache`)")
    baselines: tuple[Literal["random", "pixels", "kmeans", "supervised", "none"], ...] = option(
        ("random", "pixels"), "what to compare with: random weights, pixels, kmeans, supervised; or none"
    )
    random_draws: int = option(1, "networks of random weights, each a row of its own", min=1, max=100)
    centroids: int = option(400, "centroids of the K-means baseline (the paper's had 4,800)", min=2, max=20_000)
    trials: int = option(6, "random trials of the supervised baseline's settings (the paper made 64)", min=1, max=1000)


class LinearProbe(Analysis[LinearProbeOptions]):
    """Train a linear L2-SVM on the discriminator's features, beside random weights and raw pixels."""

    name = "linear-probe"
    title = "Linear probe of the discriminator's features"
    needs = frozenset({"discriminator", "layers", "data"})
    references = works("bonett2012", "coates2011", "keerthi2005", "nadeau2003", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin linear-probe digits-dcgan",
        "gan-probe run --plugin linear-probe ckpt.pt --data photos/ --labels-per-class 10,20,50,100",
        "gan-probe run -p linear-probe ckpt.pt --data cifar10 --protocol cifar10 --baselines random,pixels,kmeans",
    )
    Options = LinearProbeOptions

    def check(self, gan: GAN | None, options: LinearProbeOptions, data: Data | None) -> None:  # noqa: ARG002
        """A conditional discriminator is told the answer."""
        if gan is not None and gan.card.classes:
            raise BadInputError("this discriminator is conditioned on labels: its features would give them away")

    def run(self, gan: GAN | None, options: LinearProbeOptions, ctx: Context) -> Report:
        """Extract, choose C, fit, and score all feature sets on the same test images."""
        # scikit-learn and the numbers come with the run, not with --help
        from gan_probe_plugins.linear_probe.images import seen_in_training, world
        from gan_probe_plugins.linear_probe.ladder import Ladder
        from gan_probe_plugins.linear_probe.report import report
        from gan_probe_plugins.linear_probe.sets import chosen_layers, recomputes

        assert gan is not None  # noqa: S101  # `needs` says so
        assert gan.discriminator is not None  # noqa: S101
        protocol = protocol_of(options)
        layers = chosen_layers(gan.discriminator, options.layers)
        seen = world(gan, options, protocol, ctx)
        notes = [warning] if (warning := seen_in_training(gan, ctx)) else []
        recompute = recomputes(gan.discriminator, options.bn, len(seen.fitted), notes)
        ladder = Ladder(gan, layers, seen, protocol, options, ctx, notes)
        ladder.trained(recompute)
        for baseline in options.baselines:
            ladder.baseline(baseline)
        return report(ladder)


def protocol_of(options: LinearProbeOptions) -> Protocol:
    """The protocol named, with what the options overrule."""
    from gan_probe_plugins.linear_probe.protocols import PROTOCOLS

    named = PROTOCOLS[options.protocol]
    return replace(
        named,
        grid=options.c or named.grid,
        labels_per_class=options.labels_per_class or named.labels_per_class,
        draws=options.draws or named.draws,
    )


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [LinearProbe]
