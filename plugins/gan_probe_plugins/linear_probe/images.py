"""The images of a probe: drawn, labelled, and parted into those to fit on and those to choose C by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from gan_probe import BadInputError

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe.data import Images, Split
    from gan_probe_plugins.linear_probe import LinearProbeOptions
    from gan_probe_plugins.linear_probe.protocols import Protocol

Fold = tuple[np.ndarray, np.ndarray]  # indices to fit on, and to validate on
ENOUGH_LABELS = 2000  # below, one validation fold is too small to choose C by


@dataclass(frozen=True)
class World:
    """Training and test images with labels (N,) into `classes`; `folds` part the training images.

    `fitted` (n,) are the training images that classifiers may see at all: a protocol may keep the others for
    choosing C alone. Batch-norm statistics come from them.
    """

    train: Images
    test: Images
    classes: tuple[str, ...]
    folds: list[Fold]
    fitted: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Of the training images, (N,)."""
        return _labels(self.train)

    @property
    def truth(self) -> np.ndarray:
        """The labels of the test images, (M,)."""
        return _labels(self.test)


def world(gan: GAN, options: LinearProbeOptions, protocol: Protocol, ctx: Context) -> World:
    """Draw, load and part the images at the model's size; BadInputError where labels are missing or too few."""
    assert ctx.data is not None  # noqa: S101  # asked by the caller
    train, test = ctx.data.train_test(ctx.rng("linear-probe/split"))
    train = _draw(train, options.train_size, ctx, "train")
    test = _draw(test, options.test_size, ctx, "test")
    if train.labels is None or test.labels is None:
        hint = " ".join(train.notes) or "use class sub-folders, or --labels"
        raise BadInputError(f"{ctx.data.name} has no labels: {hint}")
    seen, judged = ctx.images(train, gan.card), ctx.images(test, gan.card)
    labels = _labels(seen)
    folds = _folds(labels, train.classes, options.validation, protocol, ctx)
    fitted = folds[0][0] if protocol.keeps_apart else np.arange(len(labels))
    return World(seen, judged, train.classes, folds, fitted)


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


def few_of_each(
    labels: np.ndarray, pool: np.ndarray, n: int, classes: tuple[str, ...], rng: np.random.Generator
) -> np.ndarray:
    """Indices of `n` images of each class among those of the pool, sorted; BadInputError where a class has fewer."""
    drawn = []
    for k in np.unique(labels):
        mine = pool[labels[pool] == k]
        if len(mine) < n:
            raise BadInputError(
                f"class {classes[int(k)]!r} has {len(mine):,} images to draw from; lower --labels-per-class to that"
            )
        drawn.append(rng.choice(mine, n, replace=False))
    if n * len(drawn) >= len(pool):
        raise BadInputError(f"a draw of {n} a class takes all {len(pool):,} labelled images: lower --labels-per-class")
    return np.sort(np.concatenate(drawn))


def part(labels: np.ndarray, share: float, ctx: Context) -> Fold:
    """Indices to fit and to validate on among a few labelled images, stratified."""
    held = max(len(np.unique(labels)), round(len(labels) * share))
    seed = int(ctx.rng("linear-probe/few validation").integers(2**31))
    fit, validate = next(StratifiedShuffleSplit(1, test_size=held, random_state=seed).split(labels, labels))
    return fit, validate


def _draw(split: Split, n: int | None, ctx: Context, name: str) -> Split:
    return split if n is None else split.take(n, ctx.rng(f"linear-probe/{name}"))


def _labels(images: Images) -> np.ndarray:
    assert images.labels is not None  # noqa: S101  # the split had labels
    return images.labels


def _folds(labels: np.ndarray, classes: tuple[str, ...], share: float, protocol: Protocol, ctx: Context) -> list[Fold]:
    """Stratified pairs of indices to fit and to validate on: one, or five where the labels are few."""
    counts = np.bincount(labels)
    present = counts[counts > 0]
    if len(present) < 2:
        raise BadInputError("a probe needs at least two classes among the training labels")
    if present.min() < 2:
        rare = classes[int(np.flatnonzero(counts == 1)[0])]
        raise BadInputError(f"class {rare!r} has a single training image: a probe needs two, one to choose C by")
    held = max(len(present), min(round(len(labels) * share), protocol.held_out or len(labels)))
    splits = StratifiedShuffleSplit(
        1 if len(labels) >= ENOUGH_LABELS or protocol.keeps_apart else 5,
        test_size=held,
        random_state=int(ctx.rng("linear-probe/validation").integers(2**31)),
    )
    return [(np.sort(fit), np.sort(held)) for fit, held in splits.split(labels, labels)]
