"""The paper's hash (section 4.1.1): a 3072-128-3072 denoising autoencoder whose ReLU code is binarised above 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import mse_loss

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = 128  # units, and bits
# The paper states the layers, that it denoises, dropout and ReLU; the rest is ours.
NOISE = 0.1  # standard deviation of what is added to values in 0..1
DROPPED = 0.5  # share of code units left out in training
MINIBATCH = 128
STEPS = 4000
RATE = 1e-3  # Adam's
BLOCK = 4096


class Autoencoder:
    """3072-128-3072 for images (N, 32, 32, 3) uint8; `hashes` are its code's signs.

    `drawn` decides everything random: the weights, the order, the noise and what is dropped.
    """

    def __init__(self, images: np.ndarray, drawn: torch.Generator, device: str | torch.device = "cpu") -> None:
        values = int(np.prod(images.shape[1:]))
        self.images, self.drawn, self.device = images.reshape(len(images), values), drawn, device
        some = self.images[:: max(1, len(images) // BLOCK)]
        # reconstructing the mean image is no task: the code has the differences from it
        self.mean = torch.tensor(some.mean(0, dtype=np.float64) / 255, dtype=torch.float32, device=device)
        bounds = (6 / (values + CODE)) ** 0.5  # Glorot's
        self.encoder, self.decoder = (
            torch.empty(shape).uniform_(-bounds, bounds, generator=drawn).to(device).requires_grad_()
            for shape in ((CODE, values), (values, CODE))
        )
        self.shift = torch.zeros(CODE, device=device, requires_grad=True)
        self.out = torch.zeros(values, device=device, requires_grad=True)

    def train(self, steps: int = STEPS, progress: Callable[[int, int, str], None] | None = None) -> float:
        """Train on random minibatches; returns the mean squared error of the last hundred, in squared grey levels."""
        weights = [self.encoder, self.shift, self.decoder, self.out]
        optimiser = torch.optim.Adam(weights, lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        losses = []
        for step in range(steps):
            chosen = torch.randint(len(self.images), (MINIBATCH,), generator=self.drawn).numpy()
            clean = self._values(chosen)
            noise = torch.randn(clean.shape, generator=self.drawn).to(self.device) * NOISE
            kept = torch.rand((len(clean), CODE), generator=self.drawn) >= DROPPED
            code = self._code(clean + noise).relu() * kept.to(self.device) / (1 - DROPPED)
            loss = mse_loss(code @ self.decoder.T + self.out, clean)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            losses.append(loss.detach())
            if progress is not None and (step + 1) % 100 == 0:
                progress(step + 1, steps, "training the autoencoder")
        return float(torch.stack(losses[-100:]).mean()) * 255**2

    def hashes(self, images: np.ndarray) -> np.ndarray:
        """Of images (M, 32, 32, 3) uint8 the binarised codes, packed: (M, 16) uint8."""
        rows = images.reshape(len(images), -1)
        found = []
        with torch.no_grad():
            for start in range(0, len(rows), BLOCK):
                code = self._code(self._scaled(rows[start : start + BLOCK]))
                found.append(np.packbits((code > 0).cpu().numpy(), axis=1))
        return np.concatenate(found)

    def _values(self, chosen: np.ndarray) -> torch.Tensor:
        return self._scaled(self.images[chosen])

    def _scaled(self, rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(rows).to(self.device).float() / 255 - self.mean

    def _code(self, values: torch.Tensor) -> torch.Tensor:
        return values @ self.encoder.T + self.shift
