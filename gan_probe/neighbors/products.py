"""Squared distances of blocks of rows by matrix products: exact for bytes, else with a bound of what rounding does.

Up to the query's own square, which is the same for all rows: score(q, x) = |x|^2 - 2 q x.
"""

from __future__ import annotations

import functools
from typing import Any, Protocol

import numpy as np

MOST_BYTES_WIDE = 2**15  # columns of bytes up to which a squared distance fits into 32 bits
ROUNDING = 1.1 * 2.0**-24  # of a float32 operation, and a little more for the products of several
HUGE = 1e37  # a square beyond which float32 may overflow
TINY = 2.0**-125  # of a float32 product, below which it may vanish
COARSE = {"highest": 1, "high": 2**14, "medium": 2**17}  # as a user may have told torch to multiply elsewhere


class Products(Protocol):
    """How queries (Q, F) meet a block of rows (R, F)."""

    def see(self, rows: np.ndarray) -> None:
        """Make ready a block."""

    def scores(self, part: slice) -> Any:
        """Those of some of the queries against it, (B, R) int32 or float32, or a tensor on another device."""

    def slack(self, part: slice) -> np.ndarray:
        """The most by which each of their distances may be off (B,): 0 where they are exact."""

    @property
    def square(self) -> np.ndarray:
        """The queries' squares (Q,) float64, which distances have and scores lack."""


class ByteProducts:
    """Of bytes, less 128, in whole numbers by the processor's own instructions: several times as fast as float32."""

    def __init__(self, queries: np.ndarray) -> None:
        self._queries = _signed(queries)
        self.square = _squares(self._queries)

    def see(self, rows: np.ndarray) -> None:
        """Make ready a block of rows (R, F) uint8."""
        signed = _signed(rows)
        self._square = _squares(signed).astype(np.int32)
        self._rows = signed.T

    def scores(self, part: slice) -> Any:
        """Exact, (B, R) int32."""
        found: np.ndarray = _whole_product(self._queries[part], self._rows)
        found *= -2
        found += self._square
        return found

    def slack(self, part: slice) -> np.ndarray:
        """None: whole numbers are not rounded."""
        return np.zeros(len(self.square[part]))


class FloatProducts:
    """Of numbers less the queries' mean, in float32 by BLAS, or by torch on another device.

    The bound is that of a sum of products in any order (Higham 2002, 3.5), by Cauchy and Schwarz: 2 F u |q| |x|; eight
    more roundings are those of the centring, the squares and the sum.
    """

    def __init__(self, queries: np.ndarray, device: str = "cpu") -> None:
        self._centre = queries.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._device = device
        self._held = np.empty((0, queries.shape[1]), np.float32)
        centred = self._centred(queries, np.empty(queries.shape, np.float32))
        self.square = _limited(_squares(centred))
        centred *= -2  # a power of two rounds nothing
        self._there: Any = centred
        self._rounding: float = ROUNDING
        if device != "cpu":
            import torch

            self._there = _to_device(centred, device)
            self._rounding *= COARSE[torch.get_float32_matmul_precision()]

    def see(self, rows: np.ndarray) -> None:
        """Make ready a block of rows (R, F)."""
        if len(rows) > len(self._held):
            self._held = np.empty(rows.shape, np.float32)  # memory that is new at every block costs more than the sums
        centred = self._centred(rows, self._held[: len(rows)])
        square = _limited(_squares(centred))
        self._longest = float(np.sqrt(square.max()))
        self._square: Any = square.astype(np.float32)
        self._rows: Any = centred
        if self._device != "cpu":
            self._square, self._rows = (_to_device(array, self._device) for array in (self._square, centred))

    def scores(self, part: slice) -> Any:
        """Within `slack` of the exact ones, (B, R) float32: an array, or a tensor on the device."""
        found = self._there[part] @ self._rows.T
        found += self._square
        return found

    def slack(self, part: slice) -> np.ndarray:
        """Of each query, against any row of the block."""
        long = np.sqrt(self.square[part])
        width = len(self._centre)
        found: np.ndarray = self._rounding * (2 * width * long * self._longest + 8 * (long + self._longest) ** 2)
        return found + width * TINY

    def _centred(self, rows: np.ndarray, out: np.ndarray) -> np.ndarray:
        np.subtract(rows, self._centre, out=out, casting="same_kind")
        return out


def products(queries: np.ndarray, device: str = "cpu") -> Products:
    """The fastest way on this machine that is exact, or has a bound."""
    if device == "cpu" and queries.dtype == np.uint8 and queries.shape[1] <= MOST_BYTES_WIDE and multiplies_bytes():
        return ByteProducts(queries)
    return FloatProducts(queries, device)


@functools.cache
def multiplies_bytes() -> bool:
    """Whether this machine multiplies signed bytes into 32 bits without losing any.

    Processors without the instructions for it (VNNI) may saturate at 16 bits on the way, so that the product of the
    largest values is tried; torch offers it under a private name, which may go.
    """
    extremes = np.array([[-128, 127] * 512, [-128] * 1024, [127] * 1024], np.int8)
    try:
        import torch

        if not torch.cpu._is_vnni_supported():
            return False
        found = _whole_product(extremes, extremes.T)
    except (AttributeError, RuntimeError, NotImplementedError, ImportError):
        return False
    return np.array_equal(found, extremes.astype(np.int64) @ extremes.T.astype(np.int64))


def _whole_product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    import torch

    found: np.ndarray = torch._int_mm(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    return found


def _to_device(array: np.ndarray, device: str) -> Any:
    import torch

    return torch.from_numpy(array).to(device)


def _limited(square: np.ndarray) -> np.ndarray:
    """Infinite where it is huge, which is then refused."""
    return np.where(square > HUGE, np.inf, square)


def _signed(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows ^ np.uint8(128)).view(np.int8)  # less 128


def _squares(rows: np.ndarray) -> np.ndarray:
    """Of each row (R,) float64."""
    step = max(1, 2**20 // max(1, rows.shape[1]))  # rows widened at a time
    found = np.empty(len(rows))
    for start in range(0, len(rows), step):
        wide = rows[start : start + step].astype(np.float64)
        found[start : start + step] = np.einsum("ij,ij->i", wide, wide)
    return found
