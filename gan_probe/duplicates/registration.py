"""Whether two images are one picture: how well they agree, laid over each other where they fit best."""

from __future__ import annotations

import numpy as np
from scipy import fft

from gan_probe.duplicates.spectra import LUMA

REACH = 4  # pixels that one image may be shifted against the other, each way
SIGMA = 4.0  # pixels: what varies more slowly, such as a sky's shade, says nothing of a picture's identity
NOISE = 1.0  # grey level: contrast as faint as rounding is no evidence of anything
BLOCK = 2048  # pairs at a time


def agreement(images: np.ndarray, others: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Of images (N, H, W, 3) and others (M, H, W, 3) uint8, how well the pairs (P, 2) agree: (P,) float32, -1..1.

    Each pair is laid over each other at the shift of up to 4 pixels where their grey details correlate most. Of the
    overlap two correlations are taken, of grey details (less a Gaussian blur of 4 pixels) and of colour; the lower
    counts. 1 is a copy, up to brightness and contrast. Images without contrast agree with none.
    """
    found = np.zeros(len(pairs), np.float32)
    for start in range(0, len(pairs), BLOCK):
        first, second = pairs[start : start + BLOCK].T
        found[start : start + BLOCK] = _agreement(images[first].astype(np.float32), others[second].astype(np.float32))
    return found


def _agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    height, width = first.shape[1:3]
    details = _details(first), _details(second)
    size = (fft.next_fast_len(height + REACH, real=True), fft.next_fast_len(width + REACH, real=True))
    spectra = [fft.rfft2(detail, size) for detail in details]
    products = fft.irfft2(spectra[0].conj() * spectra[1], size)
    reach = np.r_[-REACH : REACH + 1]
    peaks = products[:, reach][:, :, reach].reshape(len(first), -1).argmax(1)
    found = np.empty(len(first), np.float32)
    for peak in np.unique(peaks).tolist():
        down, right = (int(reach[i]) for i in divmod(peak, len(reach)))
        own = np.flatnonzero(peaks == peak)
        here = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
        there = (slice(max(0, down), height - max(0, -down)), slice(max(0, right), width - max(0, -right)))
        fits = [
            _correlation(a[own][:, here[0], here[1]], b[own][:, there[0], there[1]])
            for a, b in (details, (first, second))
        ]
        found[own] = np.minimum(*fits)
    return found


def _details(images: np.ndarray) -> np.ndarray:
    """Grey (P, H, W) less its Gaussian blur; a blur is a product with a matrix on either side."""
    grey = images @ LUMA
    return np.asarray(grey - _blur(grey.shape[1]) @ grey @ _blur(grey.shape[2]).T)


def _blur(n: int) -> np.ndarray:
    apart = np.subtract.outer(np.arange(n), np.arange(n))
    weights = np.exp(-(apart**2) / (2 * SIGMA**2))
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = (x.reshape(len(x), -1) for x in (first, second))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    energies = [np.einsum("ij,ij->i", x, x) + NOISE * x.shape[1] for x in (a, b)]
    return np.asarray(np.einsum("ij,ij->i", a, b) / np.sqrt(energies[0] * energies[1]))
