"""Choose C, fit, and predict: a `Probe` with all labels, or `Draws` of a few labels of each class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import l2svm
from gan_probe_plugins.linear_probe.images import few_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Context
    from gan_probe.l2svm import L2SVM
    from gan_probe_plugins.linear_probe.images import Fold, World
    from gan_probe_plugins.linear_probe.protocols import Protocol
    from gan_probe_plugins.linear_probe.sets import FeatureSet

RANKING_GAP = 1e-4  # near enough to the optimum to rank values of C by, and to predict by: 1e-6 moves no figure
TOGETHER = 256  # margins computed in one reading of the test features


@dataclass(frozen=True)
class Outcome:
    """One feature set's: the C chosen, the mean validation accuracy that chose it, and whether the solver arrived.

    A supervised network has no C and no fixed features.
    """

    name: str
    dimensions: int | None
    n_train: int
    C: float | None
    validation: float | None
    converged: bool

    def choice(self, how: str) -> str:
        """For captions: where C is from, which is searched for among several values alone."""
        return f"C = {self.C:g} was given." if self.validation is None else f"Each row's C was chosen {how}."


@dataclass(frozen=True)
class Probe(Outcome):
    """With all labels: the classes (M,) predicted of the test images."""

    predictions: np.ndarray


@dataclass(frozen=True)
class Draws(Outcome):
    """With a few labels of each class: whether each draw's classifier is right, (draws, M).

    `overlap` is the share of the labelled images that a draw takes.
    """

    right: np.ndarray
    labels_per_class: int
    overlap: float


def probe(features: FeatureSet, world: World, grid: Sequence[float], ctx: Context) -> Probe:
    """Choose C on the validation folds, fit on all training features, and predict the test images."""
    C, score = grid[0], None
    if len(grid) > 1:
        ctx.progress(0, 2, f"probing {features.name}: choosing C")
        C, score = _best(features, world, grid, world.folds)
    ctx.progress(1, 2, f"probing {features.name}: fitting")
    svm = l2svm.fit(features.train, world.labels, C)
    ctx.progress(2, 2, f"probing {features.name}: fitting")
    converged = bool((svm.gap <= l2svm.GAP).all())
    shape = features.train.shape[1], len(world.labels)
    return Probe(features.name, *shape, C, score, converged, svm.predict(features.test))


def draws(features: FeatureSet, world: World, n: int, protocol: Protocol, grid: Sequence[float], ctx: Context) -> Draws:
    """Choose C by the mean validation accuracy over draws of `n` labels of each class, then test further draws.

    Draws depend on the seed alone, so that feature sets share them and can be compared draw by draw.
    """
    held = world.folds[0][1]
    what = f"probing {features.name} with {n} labels a class"
    C, score = grid[0], None
    if len(grid) > 1:
        ctx.progress(0, protocol.draws + 1, f"{what}: choosing C")
        C, score = _best(
            features, world, grid, [(drawn(world, n, "choosing", i, ctx), held) for i in range(protocol.choosing)]
        )
    fits = []
    for i in range(protocol.draws):
        ctx.progress(i + 1, protocol.draws + 1, what)
        fits.append(l2svm.fit(features.train, world.labels, C, chosen=drawn(world, n, "draw", i, ctx), gap=RANKING_GAP))
    ctx.progress(protocol.draws + 1, protocol.draws + 1, what)
    right = _predicted(fits, features.test) == world.truth
    converged = all(bool((svm.gap <= RANKING_GAP).all()) for svm in fits)
    shape = features.train.shape[1], n * len(np.unique(world.labels))
    return Draws(features.name, *shape, C, score, converged, right, n, shape[1] / len(world.folds[0][0]))


def drawn(world: World, n: int, what: str, i: int, ctx: Context) -> np.ndarray:
    """The i-th draw, of its kind, of `n` labelled images of each class among those that C is not chosen by."""
    return few_of_each(world.labels, world.folds[0][0], n, world.classes, ctx.rng(f"linear-probe/{what} {n}/{i}"))


def _best(features: FeatureSet, world: World, grid: Sequence[float], folds: Sequence[Fold]) -> tuple[float, float]:
    """The C of the highest mean validation accuracy, the smallest among equals, and that accuracy."""
    labels = world.labels
    C, best, falls = min(grid), -1.0, 0
    paths = [l2svm.fit_path(features.train, labels, grid, chosen=fit, gap=RANKING_GAP) for fit, _ in folds]
    for fits in zip(*paths, strict=True):
        if any((svm.gap > RANKING_GAP).any() for svm in fits):
            break  # what has not converged may not be chosen, and larger values are harder still
        right = _right(fits, [held for _, held in folds], features.train, labels)
        score, validated = float(right.mean()), len(right)
        if score > best:
            C, best, falls = fits[0].C, score, 0
        elif best - score > 2 * (max(best * (1 - best), 1 / validated) / validated) ** 0.5:
            falls += 1
            if falls == 2:
                break  # over-fitting has set in, and larger values take the longest
        else:
            falls = 0
    return C, best


def _right(fits: Sequence[L2SVM], held: Sequence[np.ndarray], features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether each fit names each of its held-out images rightly."""
    if all(images is held[0] for images in held):  # as between draws: read once for all of them
        return np.ravel(_predicted(fits, features, held[0]) == labels[held[0]])
    return np.concatenate(
        [svm.predict(features, images) == labels[images] for svm, images in zip(fits, held, strict=True)]
    )


def _predicted(fits: Sequence[L2SVM], features: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
    """The classes (fits, M) that each fit predicts, many fits to a reading of the features."""
    found = []
    rows = len(fits[0].coef)
    step = max(1, TOGETHER // rows)
    for i in range(0, len(fits), step):
        some = fits[i : i + step]
        coef, intercept = np.vstack([svm.coef for svm in some]), np.concatenate([svm.intercept for svm in some])
        margins = replace(some[0], coef=coef, intercept=intercept).decision(features, chosen)
        found += [svm.named(margins[:, k * rows : (k + 1) * rows]) for k, svm in enumerate(some)]
    return np.stack(found)
