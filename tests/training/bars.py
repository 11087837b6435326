"""Images that a small GAN learns within seconds, and how near its samples come to them."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from gan_probe.gan import GAN
from gan_probe.training import Recipe

TINY = Recipe(epochs=1, width=4, z_size=8, batch_size=16)
QUICK = dataclasses.replace(TINY, epochs=15, batch_size=32, learning_rate=2e-3)


def bars(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (N, 16, 16, 1) uint8, bright in the left (label 0) or right (label 1) half, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    images = np.full((n, 16, 16), 30.0)
    images[labels == 0, :, :8] = 220
    images[labels == 1, :, 8:] = 220
    images += rng.normal(0, 8, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8)[..., None], labels


def distance_to_bars(images: np.ndarray) -> float:
    """Mean over images (N, 16, 16, 1) of the RMS distance in grey values to the nearer of the two clean images."""
    clean = np.full((2, 16, 16, 1), 30.0)
    clean[0, :, :8] = clean[1, :, 8:] = 220
    differences = images[:, None].astype(float) - clean
    return float(np.sqrt((differences**2).mean(axis=(2, 3, 4))).min(axis=1).mean())


def samples(gan: GAN, n: int = 64, labels: torch.Tensor | None = None) -> np.ndarray:
    """The same latents' images (N, 16, 16, 1) uint8, whatever the GAN."""
    return gan.to_uint8(gan.sample(gan.latent(n, np.random.default_rng(5)), labels, batch_size=n))
