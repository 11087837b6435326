"""The paper's supervised control (section 5.2): the discriminator's architecture, trained on the labelled images alone.

Its last layer gives way to one output for each class. Random weights, Adam, cross-entropy; the hyper-parameters come
from a random search judged on a validation part, as in the paper, which ran 64 trials.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from gan_probe import BadInputError
from gan_probe.features import batches, recalibrated
from gan_probe.network import Network, initialise
from gan_probe.stage import Stage

if TYPE_CHECKING:
    from torch import Tensor

    from gan_probe import GAN, Context

# what trials are drawn from; the paper does not say what its own were
LEARNING_RATES = (1e-4, 3e-3)  # log-uniform
WEIGHT_DECAYS = (1e-6, 1e-1)  # log-uniform; decoupled from the gradient (Loshchilov and Hutter 2019)
DROPOUTS = (0.0, 0.25, 0.5)  # in front of the last layer
BATCH_SIZES = (32, 64, 128)
PATIENCE = 8  # epochs without a better validation accuracy, after which a trial ends
CALIBRATION = 128  # images in a batch whose statistics are taken, as for the probe's features
CALIBRATION_BATCHES = 16
Fold = tuple[np.ndarray, np.ndarray]  # indices to fit on, and to validate on


@dataclass(frozen=True)
class Trial:
    """One draw of hyper-parameters, its highest validation accuracy, and the epoch (from 1) that reached it first."""

    learning_rate: float
    weight_decay: float
    dropout: float
    batch_size: int
    epochs: int = 0
    validation: float = 0.0


@dataclass(frozen=True)
class Supervised:
    """The control's outcome: `predictions` (N,) of the test images, the trial chosen, and all trials in their order."""

    predictions: np.ndarray
    chosen: Trial
    trials: tuple[Trial, ...]


def supervised(
    gan: GAN,
    images: np.ndarray,
    labels: np.ndarray,
    fold: Fold,
    test: np.ndarray,
    ctx: Context,
    *,
    trials: int = 4,
    epochs: int = 30,
) -> Supervised:
    """Search, train the chosen trial anew on all labelled images for as many epochs as served it best, and predict.

    `images` and `test` are (N, H, W, C) uint8, `labels` (N,) integers. Validation and test images are judged with
    batch-norm statistics recomputed on training images, so that no prediction depends on its batch. On the CPU the
    outcome depends only on the arguments, the seed and the number of threads. `epochs` bounds each of the trainings.
    Raises BadInputError for a discriminator that is not known as a list of stages or takes labels.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    stages = classifier_stages(gan.card.discriminator, gan.card.image_size, len(classes))
    held = images[fold[1]], targets[fold[1]]
    rows = []
    for number, trial in enumerate(drawn_trials(trials, ctx.rng("supervised/trials"))):
        training = _Training(gan, stages, trial, images[fold[0]], targets[fold[0]], ctx, f"trial {number}")
        best = trial
        for epoch in range(1, epochs + 1):
            training.epoch()
            accuracy = float((training.predict(held[0]) == held[1]).mean())
            ctx.progress(number * epochs + epoch, trials * epochs, "searching the supervised CNN")
            if epoch == 1 or accuracy > best.validation:
                best = dataclasses.replace(trial, epochs=epoch, validation=accuracy)
            elif epoch - best.epochs >= PATIENCE:
                break
        rows.append(best)
    chosen = max(rows, key=lambda row: row.validation)  # the first among equals
    training = _Training(gan, stages, chosen, images, targets, ctx, "refit")
    for epoch in range(1, chosen.epochs + 1):
        training.epoch()
        ctx.progress(epoch, chosen.epochs, "training the supervised CNN")
    return Supervised(classes[training.predict(test)], chosen, tuple(rows))


def drawn_trials(n: int, rng: np.random.Generator) -> list[Trial]:
    """Random hyper-parameters; more trials begin with the same ones as fewer.

    Only the first is drawn: the others follow it in a sequence that fills the ranges evenly, where a handful of
    independent draws would leave large gaps (Bergstra and Bengio 2012, section 5; Roberts's Kronecker sequence).
    """
    root = 1.1673039782614187  # of x^5 = x + 1, for four dimensions
    points = (rng.random(4) + np.arange(n)[:, None] / root ** np.arange(1, 5)) % 1  # (n, 4)
    return [
        Trial(
            _log_scaled(a, LEARNING_RATES),
            _log_scaled(b, WEIGHT_DECAYS),
            DROPOUTS[int(c * len(DROPOUTS))],
            BATCH_SIZES[int(d * len(BATCH_SIZES))],
        )
        for a, b, c, d in points
    ]


def _log_scaled(fraction: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return float(f"{low * (high / low) ** fraction:.2g}")


def classifier_stages(discriminator: Sequence[Stage] | None, size: int, classes: int) -> tuple[Stage, ...]:
    """The discriminator's stages for images of this size, the last one exchanged for a dense layer of K outputs.

    Raises BadInputError where there are no stages, a single one, or one that takes labels.
    """
    if discriminator is None or len(discriminator) < 2:
        raise BadInputError("the supervised control needs a discriminator of two or more layers that torch runs")
    if any(stage.labels for stage in discriminator):
        raise BadInputError("the supervised control cannot take a discriminator that sees the labels")
    *kept, _ = discriminator
    for stage in kept:
        size = stage.size(size)
    return (*kept, Stage("linear", kept[-1].channels * size**2, classes, bias=True))


class _Training:
    """A classifier, its optimiser, and its images: each call of `epoch` passes over them once, in random order."""

    def __init__(
        self,
        gan: GAN,
        stages: Sequence[Stage],
        trial: Trial,
        images: np.ndarray,
        targets: np.ndarray,
        ctx: Context,
        name: str,
    ) -> None:
        self.gan, self.trial, self.images = gan, trial, images
        self.targets = torch.from_numpy(targets.astype(np.int64)).to(gan.device)
        self.batch_size = ctx.batch_size
        self.network = initialise(Network(stages, gan.card.image_size), ctx.torch_generator(f"supervised/{name}"))
        self.network.eval().statistics = None  # none kept: batch norm goes by the batch while training
        self.network.to(gan.device).to(memory_format=torch.channels_last)  # the layout that convolutions are fastest in
        self.orders = ctx.rng(f"supervised/{name}/order")
        self.masks = ctx.torch_generator(f"supervised/{name}/dropout")
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=trial.learning_rate, weight_decay=trial.weight_decay
        )

    def epoch(self) -> None:
        n, size = len(self.images), min(self.trial.batch_size, len(self.images))
        order = self.orders.permutation(n)[: n - n % size]  # batch norm would feel an incomplete batch
        for i, x in enumerate(batches(self.gan, self.images, order, size)):
            logits = self._forward(x.contiguous(memory_format=torch.channels_last))
            loss = cross_entropy(logits, self.targets[order[i * size : (i + 1) * size]])
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()

    def _forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.network.children()
        for stage in hidden:
            x = stage(x)
        if drop := self.trial.dropout:
            kept = torch.rand(x.shape, generator=self.masks) >= drop  # drawn on the CPU: the same on every device
            x = x * kept.to(x.device) / (1 - drop)
        logits: Tensor = last(x)
        return logits

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Class indices (N,) of images (N, H, W, C), normalised by statistics of training images, not by their own."""
        order = np.random.default_rng(0).permutation(len(self.images))[: CALIBRATION * CALIBRATION_BATCHES]
        calibration = batches(self.gan, self.images, order, CALIBRATION)
        with torch.no_grad(), recalibrated(self.network, calibration):
            found = [
                self.network(x.contiguous(memory_format=torch.channels_last)).argmax(1).cpu().numpy()
                for x in batches(self.gan, images, np.arange(len(images)), self.batch_size)
            ]
        return np.concatenate(found)
