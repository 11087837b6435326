"""Draw the images, extract the features, choose C, fit, and predict: one `Probe` for each feature set."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from gan_probe import BadInputError, l2svm
from gan_probe.features import batches, pooled, recalibrated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.data import Images, Split
    from gan_probe.gan import Net
    from gan_probe_plugins.linear_probe import LinearProbeOptions


Fold = tuple[np.ndarray, np.ndarray]  # indices to fit on, and to validate on
BATCH = 128  # images in a batch whose statistics are taken, as in the release
ENOUGH_LABELS = 2000  # below, one validation fold is too small to choose C by
RANKING_GAP = 1e-4  # near enough to the optimum to rank values of C by


@dataclass(frozen=True)
class Probe:
    """One feature set's outcome: the classifier's C, and its predictions on the test images."""

    name: str
    dimensions: int
    C: float
    validation: float | None
    predictions: np.ndarray  # (N,) class indices
    converged: bool


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


def labelled_images(gan: GAN, options: LinearProbeOptions, ctx: Context) -> tuple[Images, Images]:
    """The training and test images at the model's size; BadInputError if they have no labels."""
    assert ctx.data is not None  # noqa: S101  # asked by the caller
    train, test = ctx.data.train_test(ctx.rng("linear-probe/split"))
    train = _draw(train, options.train_size, ctx, "train")
    test = _draw(test, options.test_size, ctx, "test")
    if train.labels is None or test.labels is None:
        hint = " ".join(train.notes) or "use class sub-folders, or --labels"
        raise BadInputError(f"{ctx.data.name} has no labels: {hint}")
    return ctx.images(train, gan.card), ctx.images(test, gan.card)


def seen_in_training(gan: GAN, ctx: Context) -> str:
    """A warning where the test images are likely among those that the discriminator was trained on; else empty."""
    assert ctx.data is not None  # noqa: S101  # asked by the caller
    trained_on = {gan.card.training_data, gan.card.training.get("data", {}).get("name", gan.card.training_data)}
    drawn = ctx.data.test is None or (ctx.data.test.labels is None and ctx.data.train.labels is not None)
    if not drawn or ctx.data.name not in trained_on:
        return ""
    return (
        f"{ctx.data.name} has no test split of its own, and this discriminator was trained on it: the test images "
        "drawn here are among those that it has seen (without labels), an advantage that the controls do not have."
    )


def _draw(split: Split, n: int | None, ctx: Context, name: str) -> Split:
    return split if n is None else split.take(n, ctx.rng(f"linear-probe/{name}"))


def labels_of(images: Images) -> np.ndarray:
    """Class indices (N,)."""
    assert images.labels is not None  # noqa: S101  # the split had labels
    return images.labels


def folds_of(labels: np.ndarray, classes: tuple[str, ...], share: float, ctx: Context) -> list[Fold]:
    """Stratified pairs of indices to fit and to validate on: one, or five where the labels are few."""
    counts = np.bincount(labels)
    present = counts[counts > 0]
    if len(present) < 2:
        raise BadInputError("a probe needs at least two classes among the training labels")
    if present.min() < 2:
        rare = classes[int(np.flatnonzero(counts == 1)[0])]
        raise BadInputError(f"class {rare!r} has a single training image: a probe needs two, one to choose C by")
    held = max(len(present), round(len(labels) * share))
    splits = StratifiedShuffleSplit(
        1 if len(labels) >= ENOUGH_LABELS else 5,
        test_size=held,
        random_state=int(ctx.rng("linear-probe/validation").integers(2**31)),
    )
    return list(splits.split(labels, labels))


def features_of(
    gan: GAN, net: Net, layers: Sequence[str], train: Images, test: Images, grid: int, recompute: bool, ctx: Context
) -> tuple[tuple[np.ndarray, np.ndarray], list[slice]]:
    """Pooled activations (N, F) of the train and test images, and the columns of each layer.

    `recompute` takes batch norm's statistics from the training images for the while.
    """
    # data sets are often sorted by class, and a batch of one class has moments of its own
    order = ctx.rng("linear-probe/batch norm").permutation(len(train.images))
    with recalibrated(net, batches(gan, train.images, order, BATCH)) if recompute else nullcontext():
        (a, blocks), (b, _) = (
            pooled(gan, net, images.images, layers, grid=grid, batch_size=ctx.batch_size, progress=ctx.progress)
            for images in (train, test)
        )
    return (a, b), blocks


def recomputes(net: Net, bn: str, n: int, notes: list[str]) -> bool:
    """Whether batch norm's statistics are to come from the n training images; what is done is added to the notes."""
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


def pixels_of(gan: GAN, images: Images) -> np.ndarray:
    """Raw pixels (N, C H W) in the model's value range."""
    return gan.from_uint8(images.images).flatten(1).numpy()


def probe(
    name: str,
    features: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    folds: list[Fold],
    grid: tuple[float, ...],
    ctx: Context,
) -> Probe:
    """Choose C on the validation fold, fit on all training features, and predict the test images."""
    train, test = features
    C, score = grid[0], None
    if len(grid) > 1:
        ctx.progress(0, 2, f"probing {name}: choosing C")
        C, score = _choose(train, labels, folds, grid)
    ctx.progress(1, 2, f"probing {name}: fitting")
    svm = l2svm.fit(train, labels, C)
    ctx.progress(2, 2, f"probing {name}: fitting")
    return Probe(name, train.shape[1], C, score, svm.predict(test), converged=bool((svm.gap <= l2svm.GAP).all()))


def _choose(
    features: np.ndarray, labels: np.ndarray, folds: list[Fold], grid: tuple[float, ...]
) -> tuple[float, float]:
    """The C of the highest mean validation accuracy, the smallest among equals, and that accuracy."""
    C, best, falls = min(grid), -1.0, 0
    validated = sum(len(held) for _, held in folds)
    paths = [l2svm.fit_path(features[fit], labels[fit], grid, gap=RANKING_GAP) for fit, _ in folds]
    for fits in zip(*paths, strict=True):
        if any((svm.gap > RANKING_GAP).any() for svm in fits):
            break  # what has not converged may not be chosen, and larger values are harder still
        right = [svm.predict(features[held]) == labels[held] for svm, (_, held) in zip(fits, folds, strict=True)]
        score = float(np.concatenate(right).mean())
        if score > best:
            C, best, falls = fits[0].C, score, 0
        elif best - score > 2 * (max(best * (1 - best), 1 / validated) / validated) ** 0.5:
            falls += 1
            if falls == 2:
                break  # over-fitting has set in, and larger values take the longest
        else:
            falls = 0
    return C, best
