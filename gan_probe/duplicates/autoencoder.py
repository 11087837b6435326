"""The paper's hash (section 4.1.1): a 3072-128-3072 denoising autoencoder whose ReLU code is binarised above 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = 128  # units, and bits
# The paper states the layers, that it denoises, dropout and ReLU; the rest is ours.
NOISE = 0.1  # standard deviation of what is added to values in 0..1
DROPPED = 0.2  # share of code units left out in training
MINIBATCH = 128
RATE = 1e-3  # Adam's, falling to 0 along a cosine
BETAS, TINY = (0.9, 0.999), 1e-8
BLOCK = 4096


class Autoencoder:
    """3072-128-3072 for images (N, 32, 32, 3) uint8; `hashes` are its code's signs.

    `rng` decides everything random: the weights, the order, the noise and what is dropped. In numpy with its gradients
    by hand: on a CPU torch's new buffers at every step took most of the time.
    """

    def __init__(self, images: np.ndarray, rng: np.random.Generator) -> None:
        values = int(np.prod(images.shape[1:]))
        self.images, self.rng = images.reshape(len(images), values), rng
        some = self.images[:: max(1, len(images) // BLOCK)]
        # reconstructing the mean image is no task: the code has the differences from it
        self.mean = np.float32(some.mean(0, dtype=np.float64) / 255)
        bound = (6 / (values + CODE)) ** 0.5  # Glorot's
        shapes = ((values, CODE), (CODE, values))
        self.encoder, self.decoder = (rng.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes)
        self.shift, self.out = np.zeros(CODE, np.float32), np.zeros(values, np.float32)

    def train(self, steps: int, progress: Callable[[int, int, str], None] | None = None) -> float:
        """Train on random minibatches; returns the mean squared error of the last hundred, in squared grey levels."""
        values = len(self.out)
        weights = [self.encoder, self.shift, self.decoder, self.out]
        gradients = [np.empty_like(w) for w in weights]
        adam = Adam(weights)
        noisy, residual = (np.empty((MINIBATCH, values), np.float32) for _ in range(2))
        errors = []
        for step in range(steps):
            clean = self._values(self.images[self.rng.integers(len(self.images), size=MINIBATCH)])
            self.rng.standard_normal(out=noisy, dtype=np.float32)
            noisy *= NOISE
            noisy += clean
            kept = (self.rng.random((MINIBATCH, CODE), np.float32) >= DROPPED) / np.float32(1 - DROPPED)
            before = noisy @ self.encoder + self.shift
            kept *= before > 0  # ReLU's share of the gradient, and dropout's
            code = before * kept
            np.matmul(code, self.decoder, out=residual)
            residual += self.out
            residual -= clean
            errors.append(float(np.vdot(residual, residual)) / residual.size)
            residual *= 2 / residual.size
            back = (residual @ self.decoder.T) * kept
            np.matmul(noisy.T, back, out=gradients[0])
            back.sum(0, out=gradients[1])
            np.matmul(code.T, residual, out=gradients[2])
            residual.sum(0, out=gradients[3])
            adam.step(gradients, RATE * (1 + np.cos(np.pi * step / steps)) / 2)
            if progress is not None and (step + 1) % 100 == 0:
                progress(step + 1, steps, "training the autoencoder")
        return float(np.mean(errors[-100:])) * 255**2

    def hashes(self, images: np.ndarray) -> np.ndarray:
        """Of images (M, 32, 32, 3) uint8 the binarised codes, packed: (M, 16) uint8."""
        rows = images.reshape(len(images), -1)
        blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        codes = [np.packbits(self._values(block) @ self.encoder + self.shift > 0, axis=1) for block in blocks]
        return np.concatenate(codes)

    def _values(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(rows * np.float32(1 / 255) - self.mean)


class Adam:
    """Adam (Kingma and Ba 2015) on arrays, in place."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self.weights = weights
        self.means, self.squares, self.room = ([np.zeros_like(w) for w in weights] for _ in range(3))
        self.steps = 0

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        """One step down the gradients, which are overwritten."""
        self.steps += 1
        first, second = (1 - beta**self.steps for beta in BETAS)
        for weight, gradient, mean, square, room in zip(
            self.weights, gradients, self.means, self.squares, self.room, strict=True
        ):
            mean *= BETAS[0]
            np.multiply(gradient, 1 - BETAS[0], out=room)
            mean += room
            square *= BETAS[1]
            np.multiply(gradient, gradient, out=room)
            room *= 1 - BETAS[1]
            square += room
            np.divide(square, second, out=room)
            np.sqrt(room, out=room)
            room += TINY
            np.divide(mean, room, out=gradient)
            gradient *= rate / first
            weight -= gradient
