"""A world that convolutions tell apart and lines through pixels do not, as arrays and as a file."""

import numpy as np


def stripes(n, seed, classes=3):
    """Images whose class is the period of their stripes: easy for convolutions, hard for a line through pixels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    phase = rng.uniform(0, 2 * np.pi, n)
    rows = np.sin(2 * np.pi * np.arange(16) / np.array([2.5, 4, 8])[labels][:, None] + phase[:, None])  # (N, 16)
    noise = rng.normal(0, 0.2, (n, 16, 16))
    return np.clip(127 + 90 * (rows[:, None, :] + noise), 0, 255).astype(np.uint8)[..., None], labels


def npz_of(tmp_path, images, labels, test_images, test_labels):
    """A file with both splits."""
    path = tmp_path / "world.npz"
    np.savez(path, train_images=images, train_labels=labels, test_images=test_images, test_labels=test_labels)
    return path
