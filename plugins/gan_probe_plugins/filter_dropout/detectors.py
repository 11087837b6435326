"""Two detectors, trained on images whose boxes are known: one finds where an object is, another judges whether it is.

The finder gives the boxes that choose the feature maps; the judge had no part in that. They share neither
architecture, nor training images, nor random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gan_probe.measures.intervals import Estimate, proportion
from gan_probe_plugins.filter_dropout.positions import coverage

STEPS, BATCH, LEARNING_RATE = 250, 64, 4e-3
JUDGES = 3
AT_ONCE = 256  # images judged together
SURE = 0.5  # the probability from which an object counts as seen

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Errors:
    """How often a detector is wrong on `n` held-out images: an object that is there missed, one that is not seen."""

    name: str
    object: str
    missed: Estimate
    imagined: Estimate
    n: int


class Finder(nn.Sequential):
    """Fully convolutional: images (N, C, S, S) to logits (N, K, S/2, S/2), one map for each object."""

    stride = 2

    def __init__(self, channels: int, objects: int) -> None:
        super().__init__(
            *_normed(channels, 16, 3, 1, 1),
            *_normed(16, 32, 4, 2, 1),
            *_normed(32, 32, 3, 1, 2, dilation=2),
            *_normed(32, 32, 3, 1, 4, dilation=4),
            nn.Conv2d(32, objects, 1),
        )


def _normed(inputs: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


class Judge(nn.Sequential):
    """Strided, pooled and dense: images (N, C, S, S) to logits (N, K), one for each object."""

    def __init__(self, channels: int, objects: int) -> None:
        super().__init__(
            nn.Conv2d(channels, 24, 3, 1, 1),
            nn.LeakyReLU(0.1),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, 1, 1),
            nn.LeakyReLU(0.1),
            nn.MaxPool2d(2),
            nn.Conv2d(48, 64, 3, 1, 1),
            nn.LeakyReLU(0.1),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Linear(64 * 16, 96),
            nn.LeakyReLU(0.1),
            nn.Linear(96, objects),
        )


@dataclass(frozen=True, eq=False)
class Detector:
    """One or more trained networks over `objects`; called with images (N, H, W, C) uint8 it gives logits, float32."""

    nets: tuple[nn.Module, ...]
    objects: tuple[str, ...]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Mean logits of its networks: (N, K) of a judge, (N, K, S/2, S/2) of a finder."""
        return np.asarray(np.mean([_logits(net, images) for net in self.nets], axis=0))

    def present(self, images: np.ndarray) -> np.ndarray:
        """Whether each object is in each image, (N, K) bool: somewhere, for a finder."""
        logits = self(images)
        return np.asarray(logits.reshape(*logits.shape[:2], -1).max(axis=2) > 0)

    def verdicts(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of a judge: whether each object is in each image, and whether its networks disagree on that, (N, K) bool."""
        logits = np.stack([_logits(net, images) for net in self.nets])  # (networks, N, K)
        seen = (logits > 0).mean(axis=0)  # by this share of the networks
        return logits.mean(axis=0) > 0, (seen > 0) & (seen < 1)


def train_finder(
    images: np.ndarray, boxes: Mapping[str, np.ndarray], rng: np.random.Generator, progress: Progress
) -> Detector:
    """Train a finder on images (N, S, S, C) uint8 and each object's boxes (N, 4) in pixels, NaN where absent."""
    size = images.shape[1] // Finder.stride
    targets = np.stack([coverage(box / Finder.stride, size) > SURE for box in boxes.values()], axis=1)
    return Detector((_train(Finder, images, targets, rng, progress, "training the finder of boxes"),), tuple(boxes))


def train_judge(
    images: np.ndarray, boxes: Mapping[str, np.ndarray], rng: np.random.Generator, progress: Progress
) -> Detector:
    """Train a judge on images (N, S, S, C) uint8 and what is in them: the objects whose boxes (N, 4) are not NaN.

    It is of several networks: what G draws without some maps is in no image of the data, and one alone may err freely.
    """
    targets = np.stack([~np.isnan(box[:, 0]) for box in boxes.values()], axis=1)
    nets = [_train(Judge, images, targets, rng, progress, "training the independent judge") for _ in range(JUDGES)]
    return Detector(tuple(nets), tuple(boxes))


def errors(detector: Detector, name: str, images: np.ndarray, boxes: Mapping[str, np.ndarray]) -> tuple[Errors, ...]:
    """A detector's errors on images that it was not trained on, object by object, with Wilson's intervals."""
    seen = detector.present(images)
    found = []
    for k, thing in enumerate(detector.objects):
        there = ~np.isnan(boxes[thing][:, 0])
        missed = proportion(int((there & ~seen[:, k]).sum()), int(there.sum()))
        imagined = proportion(int((~there & seen[:, k]).sum()), int((~there).sum()))
        found.append(Errors(name, thing, missed, imagined, len(images)))
    return tuple(found)


def _train(
    kind: Callable[[int, int], nn.Module],
    images: np.ndarray,
    targets: np.ndarray,
    rng: np.random.Generator,
    progress: Progress,
    what: str,
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # torch draws the weights from its global state: leave that alone
        torch.manual_seed(int(rng.integers(2**63 - 1)))
        net = kind(images.shape[3], targets.shape[1])
    optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    wanted = torch.from_numpy(targets.astype(np.float32))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    for step in range(STEPS):
        rows = rng.integers(len(images), size=BATCH)
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(net(_scaled(images[rows])), wanted[rows])
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        progress(step + 1, STEPS, what)
    return net.eval().requires_grad_(False)


def _logits(net: nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        parts = [net(_scaled(images[i : i + AT_ONCE])).numpy() for i in range(0, len(images), AT_ONCE)]
    return np.concatenate(parts)


def _scaled(images: np.ndarray) -> Tensor:
    """Pixels (N, H, W, C) uint8 as (N, C, H, W) float32 in -1..1."""
    values = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1)
    return torch.from_numpy(np.ascontiguousarray(values))
