"""Samples of the same latents as the epochs pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from gan_probe.gan import GAN

GRIDS = 8
ROWS = COLUMNS = 12
MOST_CLASSES = 16


class SampleGrids:
    """Called with an epoch and the GAN, keeps the images of a few chosen epochs, the first and the last among them.

    `images` holds (N, H, W, C) uint8 by epoch, `columns` how many stand in a row. A conditional generator draws one
    class a column, the first 16 at most.
    """

    def __init__(self, epochs: int, rng: np.random.Generator) -> None:
        # evenly spread on a logarithmic scale: most happens early
        self.epochs = {0, *np.geomspace(1, epochs, GRIDS - 1).round().astype(int).tolist()}
        self.images: dict[int, np.ndarray] = {}
        self.columns = COLUMNS
        self._rng = rng
        self._latents: torch.Tensor | None = None

    def __call__(self, epoch: int, gan: GAN) -> None:
        """Keep this epoch's samples if it is one of the chosen; called again, replace them."""
        if epoch not in self.epochs:
            return
        self.columns = min(len(gan.card.classes), MOST_CLASSES) or COLUMNS
        n = ROWS * self.columns
        if self._latents is None:
            self._latents = gan.latent(n, self._rng)
        labels = torch.arange(n) % self.columns if gan.card.classes else None
        self.images[epoch] = gan.to_uint8(gan.sample(self._latents, labels, batch_size=n))

    def state_dict(self) -> dict[str, Any]:
        """The images kept so far; the latents are drawn again."""
        return {
            "columns": self.columns,
            "images": {epoch: torch.from_numpy(kept) for epoch, kept in self.images.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.columns = state["columns"]
        self.images = {epoch: kept.numpy() for epoch, kept in state["images"].items()}
