"""Where training takes its minibatches from: an epoch at a time, in an order that the seed alone decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np


class Source(Protocol):
    """Training images, N of them, each H x W x C, as minibatches."""

    shape: tuple[int, int, int]  # height, width, channels

    def __len__(self) -> int: ...

    def epoch(
        self, rng: np.random.Generator, batch: int, start: int = 0
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Minibatches (batch, H, W, C) uint8 with labels (batch,) int64 or None, from the `start`-th of the epoch on.

        `rng` decides the order of the whole epoch, so that one resumed at `start` goes on as if it had not stopped. An
        incomplete last batch is left out: batch norm would feel it.
        """


class InMemory:
    """Images (N, H, W, C) uint8, in memory or memory-mapped, with labels (N,) or None, in a new order every epoch."""

    def __init__(self, images: np.ndarray, labels: np.ndarray | None = None) -> None:
        self.images = images
        self.labels = labels
        self.shape = images.shape[1:]

    def __len__(self) -> int:
        return len(self.images)

    def epoch(
        self, rng: np.random.Generator, batch: int, start: int = 0
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Minibatches of a permutation."""
        order = rng.permutation(len(self))
        for i in range(start * batch, len(self) // batch * batch, batch):
            chosen = order[i : i + batch]
            yield self.images[chosen], None if self.labels is None else self.labels[chosen]
