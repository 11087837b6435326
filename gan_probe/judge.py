"""Attribute judges: small classifiers, trained on labelled images, that say what a generated image shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from gan_probe.data.fit import fit_arrays
from gan_probe.errors import BadInputError, one_line
from gan_probe.measures.intervals import normal, proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe.analysis import Context
    from gan_probe.data import Split
    from gan_probe.gan import Card
    from gan_probe.measures.intervals import Estimate

    Progress = Callable[[int, int, str], None]

STEPS = 2000  # minibatches at most: on 32x32 pixels, half a minute of one processor core
FALL = 200  # of them, over which the learning rate falls to 0 in the end
EASY = 0.05  # loss, on average over some fifty minibatches, at which the end begins
BATCH = 64
LEARNING_RATE = 2e-3
WIDTH = 16  # feature maps of the first convolution
MOST = 20_000  # images that one is trained on, and that it is tried on
SHIFT = 1 / 16  # of the side: how far training images are moved, so that places matter less


@dataclass(frozen=True, eq=False)
class Judge:
    """A classifier of images into `classes`, called with (N, H, W, C) uint8 for probabilities (N, K) float32.

    Images of another size or other channels are fitted to those it was trained at. `accuracy` and `confusion` (K, K),
    true class by predicted one, are those on `n_held_out` images of its own data, which says little of images of
    another kind: samples, say. `name` tells which data and labels it was trained on.
    """

    name: str
    classes: tuple[str, ...]
    accuracy: Estimate
    n_held_out: int
    n_trained: int
    confusion: np.ndarray
    size: int
    channels: int
    network: nn.Module

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Probabilities (N, K); an image's do not depend on the others."""
        return _probabilities(self.network, fit_arrays(images, self.size, self.channels))

    @property
    def named(self) -> np.ndarray:
        """The share of the held-out images that it names each class, (K,)."""
        return np.asarray(self.confusion.sum(0) / self.confusion.sum())

    @property
    def balanced(self) -> Estimate:
        """How much of each class it names rightly, the mean over classes that were held out, however rare they are."""
        right, held = self.confusion.diagonal()[self._held], self.confusion.sum(1)[self._held]
        # a class of one image is named wholly or not at all: its variance is that with one more of each, never 0
        share = (right + 1) / (held + 2)
        error = np.sqrt((share * (1 - share) / held).sum()) / len(held)
        return normal(float((right / held).mean()), float(error), "normal, over held-out images")

    @property
    def chance(self) -> float:
        """How much of each held-out class is named rightly where images are not looked at."""
        return 1 / int(self._held.sum())

    @property
    def _held(self) -> np.ndarray:
        """Which classes have held-out images, (K,) bool."""
        return np.asarray(self.confusion.sum(1) > 0)


def open_judge(spec: str, card: Card, ctx: Context) -> Judge:
    """A judge for images of the card's size, trained once in a run on the data `DATA` or `DATA:LABELS`.

    DATA is a name or path as for --data, LABELS as for --labels: `toy-faces:smile`, `faces/:_([01])_`. A fifth is held
    out where the data have no test split. Data that are grey train a grey judge, which sees colour samples in grey.
    Raises BadInputError for data without labels, or with one class.
    """
    return ctx.once(("judge", spec, card.image_size, card.channels), lambda: _opened(spec, card, ctx))


def judge_classes(spec: str, ctx: Context) -> tuple[str, ...]:
    """The classes that the judge of this data will tell apart, before it is trained; raises what `open_judge` does."""
    return _splits(spec, ctx)[0].classes


def _splits(spec: str, ctx: Context) -> tuple[Split, Split]:
    def opened() -> tuple[Split, Split]:
        name, _, labels = spec.partition(":")
        train, test = ctx.open_data(name, labels or None).train_test(ctx.rng(f"judge/{spec}/split"))
        if train.labels is None or test.labels is None:
            raise BadInputError(f"the judge {one_line(spec, 80)!r} has no labels to learn from: write DATA:LABELS")
        return train, test

    return ctx.once(("judge's data", spec), opened)


def _opened(spec: str, card: Card, ctx: Context) -> Judge:
    train, test = _splits(spec, ctx)
    channels = min(card.channels, train.native_shape()[1])
    splits = [s if len(s) <= MOST else s.take(MOST, ctx.rng(f"judge/{spec}/draw")) for s in (train, test)]
    seen, held_out = (split.load(card.image_size, channels, ctx.progress) for split in splits)
    assert seen.labels is not None  # noqa: S101  # its split has them
    assert held_out.labels is not None  # noqa: S101
    return train_judge(
        (seen.images, seen.labels),
        (held_out.images, held_out.labels),
        seen.classes,
        ctx.rng(f"judge/{spec}/train"),
        name=spec,
        device=str(ctx.device),
        progress=ctx.progress,
    )


def train_judge(
    seen: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    classes: tuple[str, ...],
    rng: np.random.Generator,
    *,
    name: str = "",
    device: str = "cpu",
    steps: int = STEPS,
    progress: Progress | None = None,
) -> Judge:
    """Train a judge on images (N, H, W, C) uint8 with labels (N,) into `classes`, and try it on the held-out ones.

    Classes weigh alike, however rare. BadInputError unless at least two classes have images in both parts.
    """
    images, labels = seen
    counts = np.bincount(labels, minlength=len(classes))
    if (counts > 0).sum() < 2 or len(held_out[1]) == 0:
        raise BadInputError(f"the judge {one_line(name, 80)!r} needs images of at least two classes, and some held out")
    size, channels = images.shape[1], images.shape[3]
    generator = torch.Generator().manual_seed(int(rng.integers(2**63 - 1)))
    network = _network(size, channels, len(classes), generator).to(device)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    weights = torch.from_numpy(counts.sum() / np.maximum(counts, 1) / (counts > 0).sum()).float().to(device)
    loss_of = nn.CrossEntropyLoss(weights)
    fall = max(1, min(FALL, steps // 3))
    end, step, running = steps, 0, 1.0
    while step < end:
        chosen = rng.integers(len(images), size=BATCH)
        x = _shifted(_scaled(images[chosen]), int(size * SHIFT), rng).to(device, memory_format=torch.channels_last)
        loss = loss_of(network(x), torch.from_numpy(labels[chosen]).to(device))
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (end - step) / fall)
        optimiser.step()
        step += 1
        running += (float(loss.detach()) - running) / 50
        if running < EASY:
            end = min(end, step + fall)
        if progress is not None:
            progress(step, end, f"training the judge {name}".rstrip())
    network.eval().requires_grad_(False)
    predicted = _probabilities(network, held_out[0]).argmax(1)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (held_out[1], predicted), 1)
    right = int(np.trace(confusion))
    accuracy = proportion(right, len(predicted))
    return Judge(name, classes, accuracy, len(predicted), len(images), confusion, size, channels, network)


def _network(size: int, channels: int, classes: int, generator: torch.Generator) -> nn.Module:
    """Convolutions, each followed by batch norm, ReLU and halving, down to 4 pixels or fewer; then one dense layer."""
    layers: list[nn.Module] = []
    width, inputs = WIDTH, channels
    while size > 4 or not layers:
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        if size > 1:
            layers.append(nn.MaxPool2d(2))
        inputs, width, size = width, min(2 * width, 8 * WIDTH), max(size // 2, 1)
    layers += [nn.Flatten(), nn.Linear(inputs * size**2, classes)]
    with torch.random.fork_rng(devices=[]):  # torch draws weights that are replaced
        network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _scaled(images: np.ndarray) -> Tensor:
    """Images (N, H, W, C) uint8 as (N, C, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def _shifted(x: Tensor, most: int, rng: np.random.Generator) -> Tensor:
    """A batch moved by up to `most` pixels either way, its edges repeated."""
    if most == 0:
        return x
    down, right = (int(d) for d in rng.integers(0, 2 * most + 1, 2))
    padded = nn.functional.pad(x, (most,) * 4, mode="replicate")
    return padded[:, :, down : down + x.shape[2], right : right + x.shape[3]]


@torch.no_grad()
def _probabilities(network: nn.Module, images: np.ndarray) -> np.ndarray:
    device = next(network.parameters()).device
    parts = [
        torch.softmax(network(_scaled(images[i : i + 256]).to(device)).double(), 1).float().cpu()
        for i in range(0, len(images), 256)
    ]
    return torch.cat(parts).numpy()
