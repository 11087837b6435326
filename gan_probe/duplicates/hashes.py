"""Hashes as packed bits: the perceptual hash that is the baseline, and who lies within a few bits of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from gan_probe.duplicates.spectra import LUMA

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 8  # frequencies each way: 64 bits
BLOCK = 4096


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """The plain pHash of images (N, H, W, 3) uint8: which of 8x8 low DCT frequencies exceed their median, (N, 8) uint8.

    The constant, which is the brightness, always counts as 0.
    """
    found = []
    for start in range(0, len(images), BLOCK):
        grey = images[start : start + BLOCK].astype(np.float32) @ LUMA
        low = fft.dctn(grey, axes=(1, 2))[:, :SIDE, :SIDE].reshape(len(grey), -1)
        bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
        bits[:, 0] = False
        found.append(np.packbits(bits, axis=1))
    return np.concatenate(found)


def equal(codes: np.ndarray) -> np.ndarray:
    """Of packed codes (N, B) uint8, pairs (P, 2) of each with the first that is equal to it; in linear time."""
    _, first, which = np.unique(_words(codes), return_index=True, return_inverse=True, axis=0)
    first = first[which.reshape(-1)]
    others = np.flatnonzero(first != np.arange(len(codes)))
    return np.stack([first[others], others], axis=1)


def within(codes: np.ndarray, radius: int) -> np.ndarray:
    """Of packed codes (N, B) uint8, all pairs (P, 2) that differ in at most `radius` bits; exact.

    Multi-index tables (Norouzi et al. 2012): cut into radius + 1 parts, two such codes are equal in one at least.
    """
    bits = np.unpackbits(codes, axis=1)
    words = _words(codes)
    pairs = [np.empty((0, 2), np.int64)]
    for part in np.array_split(bits, radius + 1, axis=1):
        keys = np.packbits(part, axis=1)
        order = np.lexsort(keys.T)
        changes = np.flatnonzero((keys[order[1:]] != keys[order[:-1]]).any(1)) + 1
        for bucket in np.split(order, changes):
            if len(bucket) > 1:
                pairs += _near(words, bucket, radius)
    return np.unique(np.concatenate(pairs), axis=0)


def matches(queries: np.ndarray, codes: np.ndarray, radius: int) -> np.ndarray:
    """Of packed codes (M, B) and (N, B) uint8, all pairs (P, 2) that differ in at most `radius` bits."""
    own, others = _words(queries), _words(codes)
    step = max(1, 2**22 // len(codes))
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(queries), step):
        query, code = np.nonzero(_differing(own[start : start + step], others) <= radius)
        pairs.append(np.stack([query + start, code], axis=1))
    return np.concatenate(pairs)


def _near(words: np.ndarray, bucket: np.ndarray, radius: int) -> Iterator[np.ndarray]:
    step = max(1, 2**22 // len(bucket))
    for start in range(0, len(bucket), step):
        block = bucket[start : start + step]
        here, there = np.nonzero(_differing(words[block], words[bucket]) <= radius)
        first, second = block[here], bucket[there]
        yield np.stack([first, second], axis=1)[first < second]


def _differing(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """In how many bits words (M, W) and (N, W) uint64 differ: (M, N) uint8."""
    counts = np.zeros((len(first), len(second)), np.uint8)
    for a, b in zip(first.T, second.T, strict=True):
        counts += np.bitwise_count(a[:, None] ^ b)
    return counts


def _words(codes: np.ndarray) -> np.ndarray:
    """Packed codes as few large integers: (N, B / 8) uint64."""
    padded = np.pad(codes, ((0, 0), (0, -codes.shape[1] % 8)))
    return np.ascontiguousarray(padded).view(np.uint64)
