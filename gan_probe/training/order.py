"""The order of an epoch, wherever the images lie: random, and kind to the disk."""

from __future__ import annotations

import numpy as np

BLOCK = 64  # neighbours on disk that are drawn together
WINDOW = 1024  # blocks that are mixed: 65,536 images


def shuffled(n: int, rng: np.random.Generator) -> np.ndarray:
    """The numbers below `n`, each once (n,): blocks in random order, and images in random order in windows of blocks.

    Every order of up to 65,536 images is as likely as any other. Of more, while a window lasts only its blocks are
    read, which the system's cache and read-ahead can follow; sorted by class, a window still holds a thousand random
    runs of 64. It takes 8 bytes an image.
    """
    if n <= WINDOW * BLOCK:
        return rng.permutation(n)
    blocks = rng.permutation(-(-n // BLOCK))

    def window(chosen: np.ndarray) -> np.ndarray:
        numbers = (chosen[:, np.newaxis] * BLOCK + np.arange(BLOCK)).reshape(-1)
        return rng.permutation(numbers[numbers < n])

    return np.concatenate([window(blocks[i : i + WINDOW]) for i in range(0, len(blocks), WINDOW)])
