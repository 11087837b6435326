"""The feature sets of the ladder: a network's pooled activations, or raw pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe import BadInputError
from gan_probe.features import Calibration, FeatureStore, extract

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from gan_probe import GAN, Context
    from gan_probe.gan import Net
    from gan_probe_plugins.linear_probe import LinearProbeOptions
    from gan_probe_plugins.linear_probe.images import World

STORED_BYTES = 2**26  # what takes less is extracted sooner than it is read
BATCH = 128  # images in a batch whose statistics are taken, as in the release


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features (N, F) of the training images and (M, F) of the test images, under one name."""

    name: str
    train: np.ndarray
    test: np.ndarray

    def part(self, name: str, columns: slice) -> FeatureSet:
        """Some columns as a set of their own."""
        return FeatureSet(name, self.train[:, columns], self.test[:, columns])


def chosen_layers(net: Net, wanted: tuple[str, ...] | None) -> list[str]:
    """The layers asked for, or every convolution."""
    names = [layer.name for layer in net.layers]
    if wanted is None:
        found = [layer.name for layer in net.layers if layer.kind == "conv"]
        if not found:
            raise BadInputError(f"this discriminator has no convolutions; pass --layers, of: {', '.join(names)}")
        return found
    for name in wanted:
        if name not in names:
            raise BadInputError(f"no layer {name!r}; the discriminator has: {', '.join(names)}")
    return list(dict.fromkeys(wanted))


def recomputes(net: Net, bn: str, n: int, notes: list[str]) -> bool:
    """Whether batch norm's statistics are to come from n training images; what is done is added to the notes."""
    statistics = net.statistics
    if statistics == {}:
        notes.append(
            "The discriminator has no batch norm to recompute: there is none, or it is folded into the weights."
        )
        return False
    if bn == "stored":
        if statistics is None:
            raise BadInputError("this discriminator stores no batch-norm statistics: use --bn data")
        notes.append(
            "Batch-norm statistics as stored; where they are running averages they mix real and generated images. The "
            "random-weights control has none worth storing: its own come from the training images."
        )
        return False
    used = n - n % BATCH if n > BATCH else n  # a short last batch would weigh as much as a whole one
    notes.append(
        f"Batch-norm statistics recomputed on {used:,} of the {n:,} training images, without their labels, as the "
        f"release does: the unweighted mean over batches of {BATCH} of each batch's mean and biased variance."
    )
    return True


def features_of(
    name: str,
    gan: GAN,
    net: Net,
    layers: Sequence[str],
    world: World,
    options: LinearProbeOptions,
    recompute: bool,
    ctx: Context,
) -> tuple[FeatureSet, dict[str, slice]]:
    """Pooled activations of the training and test images, and the columns of each layer.

    `recompute` takes batch norm's statistics from the training images for the while. Large sets lie in the store.
    """
    # data sets are often sorted by class, and a batch of one class has moments of its own
    order = ctx.rng("linear-probe/batch norm").permutation(world.fitted)
    size = sum(layer.channels * min(options.grid, layer.size) ** 2 for layer in net.layers if layer.name in layers)
    large = 4 * size * (len(world.train) + len(world.test)) >= STORED_BYTES
    train, test = extract(
        gan,
        net,
        (world.train, world.test),
        layers,
        grid=options.grid,
        calibration=Calibration(world.train, order, BATCH) if recompute else None,
        dtype=options.storage,
        batch_size=ctx.batch_size,
        store=FeatureStore.default() if options.store and large else None,
        about={"checkpoint": gan.card.name, "features": name, "data": ctx.data.name if ctx.data else ""},
        progress=ctx.progress,
    )
    return FeatureSet(name, train.array, test.array), train.columns


def pixels_of(gan: GAN, world: World) -> FeatureSet:
    """Raw pixels (N, C H W) in the model's value range."""
    train, test = (gan.from_uint8(images.images).flatten(1).numpy() for images in (world.train, world.test))
    return FeatureSet("raw pixels", train, test)


def kmeans_of(world: World, centroids: int, ctx: Context) -> FeatureSet:
    """The one-layer K-means features (N, 4 K), standardised; learnt on the training images without their labels."""
    from gan_probe_plugins.linear_probe.kmeans import learn, standardise

    rng = ctx.rng("linear-probe/kmeans")
    learnt = learn(world.train.images[world.fitted], rng, centroids=centroids, progress=ctx.progress)
    train, test = (learnt.features(images.images, progress=ctx.progress) for images in (world.train, world.test))
    standardise(train, test)
    return FeatureSet(f"K-means, {centroids:,} centroids", train, test)
