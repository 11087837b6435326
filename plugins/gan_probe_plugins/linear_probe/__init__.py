"""The paper's linear probe (section 5): what the discriminator's features are worth to a linear classifier.

Every convolutional layer's activations, max-pooled to a 4x4 grid, flattened and concatenated; a linear L2-SVM on top,
one class against the rest. Beside it, in the same table and on the same images: the same network with random weights,
and raw pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gan_probe import Analysis, BadInputError, Options, Report, hookimpl, option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context

# the release searches 1e-4 to 1e-2; controls whose features have another scale need a wider choice to do their best
GRID = tuple(float(f"{digit}e{power}") for power in range(-5, 0) for digit in (1, 2, 5))


@dataclass(frozen=True)
class LinearProbeOptions(Options):
    """Options of `linear-probe`."""

    train_size: int | None = option(None, "training images: a seeded, stratified draw (default: all)", min=4)
    test_size: int | None = option(None, "test images: a seeded, stratified draw (default: all)", min=2)
    layers: tuple[str, ...] | None = option(None, "layers to read, such as conv2,conv3 (default: every convolution)")
    grid: int = option(4, "side of the grid that feature maps are max-pooled to", min=1, max=64)
    c: tuple[float, ...] = option(
        GRID,
        "values of the SVM's C, walked upwards while validation accuracy holds",
        min=1e-9,
        max=1e9,
    )
    validation: float = option(0.2, "share of the training images that chooses C", min=0.05, max=0.5)
    bn: Literal["data", "stored"] = option(
        "data", "batch-norm statistics: recomputed on the training images (no labels used), or as stored"
    )
    controls: bool = option(True, "also probe random weights and raw pixels")


class LinearProbe(Analysis[LinearProbeOptions]):
    """Train a linear L2-SVM on the discriminator's features, beside random weights and raw pixels."""

    name = "linear-probe"
    title = "Linear probe of the discriminator's features"
    needs = frozenset({"discriminator", "layers", "data"})
    Options = LinearProbeOptions

    def run(self, gan: GAN | None, options: LinearProbeOptions, ctx: Context) -> Report:
        """Extract, choose C, fit, and score all feature sets on the same test images."""
        # scikit-learn and the numbers come with the run, not with --help
        from gan_probe_plugins.linear_probe.probe import (
            chosen_layers,
            features_of,
            folds_of,
            labelled_images,
            labels_of,
            pixels_of,
            probe,
            recomputes,
            seen_in_training,
        )
        from gan_probe_plugins.linear_probe.report import report

        if gan is None or gan.discriminator is None:
            raise BadInputError("linear-probe needs a discriminator")
        if gan.card.classes:
            raise BadInputError("this discriminator is conditioned on labels: its features would give them away")
        net = gan.discriminator
        layers = chosen_layers(net, options.layers)
        train, test = labelled_images(gan, options, ctx)
        labels = labels_of(train)
        folds = folds_of(labels, train.classes, options.validation, ctx)

        notes = [warning] if (warning := seen_in_training(gan, ctx)) else []
        recompute = recomputes(net, options.bn, len(train.images), notes)
        features, columns = features_of(gan, net, layers, train, test, options.grid, recompute, ctx)
        whole = "trained D" if options.layers is None else f"trained D, {' + '.join(layers)}"
        probes = [probe(whole, features, labels, folds, options.c, ctx)]
        alone = [
            # at the C of all layers: a search for each would double the time and tell little
            probe(layer, (features[0][:, block], features[1][:, block]), labels, folds, (probes[0].C,), ctx)
            for layer, block in zip(layers, columns, strict=True)
            if len(layers) > 1
        ]
        del features  # at full size, two sets of features would not fit beside each other
        if options.controls:
            twin = net.random_twin(ctx.torch_generator("linear-probe/random weights"))
            if twin is None:
                notes.append("No random-weights control: the weights of this network cannot be drawn anew.")
            else:
                # untrained statistics would say nothing, so they always come from the images
                features, _ = features_of(gan, twin, layers, train, test, options.grid, twin.statistics != {}, ctx)
                probes.append(probe("random weights", features, labels, folds, options.c, ctx))
            features = pixels_of(gan, train), pixels_of(gan, test)
            probes.append(probe("raw pixels", features, labels, folds, options.c, ctx))
        return report(probes, alone, labels_of(test), len(labels), train.classes, options, notes)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [LinearProbe]
