"""Random numbers by name and number: what image i gets depends on nothing that was drawn before it."""

from __future__ import annotations

import hashlib

import numpy as np


def uniforms(seed: int, name: str, indices: np.ndarray) -> np.ndarray:
    """Numbers (N,) float32 in [0, 1): number n depends on `seed`, `name` and `indices[n]` (N,) >= 0 alone.

    Steele, Lea, Flood: *Fast splittable pseudorandom number generators* (OOPSLA 2014), its SplitMix64, entered at the
    index; every name is a stream that starts at a place of its own.
    """
    start = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little")
    state = indices.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)  # modulo 2^64
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
