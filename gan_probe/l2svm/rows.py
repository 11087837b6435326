"""Features read in blocks of rows: from memory, from a memory-mapped file, on the CPU or through torch elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

BLOCK_BYTES = 2**23  # a block stays in a processor's cache between being multiplied from the right and from the left
MOST_ROWS, FEWEST_ROWS = 512, 64
KERNEL_ROWS = 128  # multiplied at once by those before them
GATHERED_BYTES = 2**28  # of chosen rows, up to which they are copied once
DEVICE_BYTES = 2**28
SMALL = 2**18  # values, up to which handing them to a thread takes longer than multiplying them
PARTS = 16  # sums are taken over so many runs of blocks, whatever the number of threads


@contextmanager
def threads() -> Iterator[Executor]:
    """As many threads as the linear algebra would use, which meanwhile runs on one in each of them."""
    blas = [pool["num_threads"] for pool in _libraries().info() if pool["user_api"] == "blas"]
    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(max(blas, default=1)) as pool:
        yield pool


@functools.cache
def _libraries() -> ThreadpoolController:
    # numpy's is loaded by now; to look for them all takes longer than a small fit
    return ThreadpoolController()


class Rows:
    """The features (N, F), or the `chosen` rows (n,) of them, with a constant column behind, which is never stored.

    Runs of blocks are multiplied side by side, each by one thread, and summed in their order: the result does not
    depend on the number of threads, and no thread waits for another at every product, which on a busy machine costs
    more than the product. `readings` counts how often all of them were read.
    """

    def __init__(self, features: np.ndarray, pool: Executor, chosen: np.ndarray | None = None) -> None:
        mapped = isinstance(features, np.memmap)
        if not mapped and features.dtype not in (np.float16, np.float32, np.float64):
            features = np.asarray(features, np.float32)
        if chosen is not None and 4 * len(chosen) * features.shape[1] <= GATHERED_BYTES:
            features, chosen, mapped = np.asarray(features[chosen]), None, False
        self.features = (
            features if mapped or features.strides[-1] == features.itemsize else np.ascontiguousarray(features)
        )
        self.chosen, self.pool = chosen, pool
        self.readings = 0
        self._block_rows = int(np.clip(BLOCK_BYTES // (4 * max(self.width, 1)), FEWEST_ROWS, MOST_ROWS))

    def __len__(self) -> int:
        return len(self.features if self.chosen is None else self.chosen)

    @property
    def width(self) -> int:
        """Features of a row, F."""
        return int(self.features.shape[1])

    def largest(self) -> float:
        """The largest absolute value; NaN where there is one."""
        found = self._each(lambda block, _: max(float(block.max()), -float(block.min())), self.features.dtype)
        return float(max(found, key=lambda value: (np.isnan(value), value)))

    def forward(self, V: np.ndarray) -> np.ndarray:
        """X V, from (F + 1, K) to (n, K)."""
        found = np.empty((len(self), V.shape[1]), V.dtype)
        right = self._there(V[:-1])

        def write(block: Any, rows: slice) -> None:
            found[rows] = self._here(block @ right) + V[-1]

        self._each(write, V.dtype)
        return found

    def backward(self, R: np.ndarray) -> np.ndarray:
        """X' R, from (n, K) to (F + 1, K)."""
        return self._sum(lambda block, rows: self._there(R[rows]).T @ block, R)

    def curvature(self, weights: np.ndarray, V: np.ndarray) -> np.ndarray:
        """X' (weights * X V), weights (n, K), in one reading of the rows."""
        right = self._there(V[:-1])
        bent = np.empty_like(weights)

        def part(block: Any, rows: slice) -> Any:
            bent[rows] = weights[rows] * (self._here(block @ right) + V[-1])
            return self._there(bent[rows]).T @ block

        return self._sum(part, bent)

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """X' (weights * X), weights (n, 1), in double precision, the constant column included: (F + 1, F + 1)."""

        def part(block: Any, rows: slice) -> np.ndarray:
            wide = np.hstack([self._here(block), np.ones((len(block), 1))])
            product: np.ndarray = wide.T @ (weights[rows] * wide)
            return product

        total: np.ndarray = _total(self._each(part, np.float64, add=True))
        return total

    def kernel(self, dtype: Any) -> np.ndarray:
        """X X', (n, n), without the constant column; for few rows."""
        self.readings += 1
        found = np.zeros((len(self), len(self)), dtype)
        every = self._block(slice(0, len(self)), dtype)

        def write(start: int) -> None:
            rows = slice(start, min(start + KERNEL_ROWS, len(self)))
            found[rows, : rows.stop] = self._here(every[rows] @ every[: rows.stop].T)

        list(self.pool.map(write, reversed(range(0, len(self), KERNEL_ROWS))))  # the longest first
        whole: np.ndarray = np.tril(found) + np.tril(found, -1).T
        return whole

    def _sum(self, part: Callable[[Any, slice], Any], R: np.ndarray) -> np.ndarray:
        total = self._here(_total(self._each(part, R.dtype, add=True)))
        return np.vstack([total.T, R.sum(0, keepdims=True)])

    def _each(self, part: Callable[[Any, slice], Any], dtype: Any, add: bool = False) -> list[Any]:
        """What `part` makes of each block and its rows; added up within each run of blocks, where asked."""
        self.readings += 1
        starts = range(0, len(self), self._block_rows)
        length = -(-len(starts) // PARTS)

        def work(run: range) -> list[Any]:
            made: list[Any] = []
            for start in run:
                rows = slice(start, min(start + self._block_rows, len(self)))
                new = part(self._block(rows, dtype), rows)
                if add and made:
                    made[0] += new
                else:
                    made.append(new)
            return made

        runs = [starts[i : i + length] for i in range(0, len(starts), length)]
        alone = len(runs) == 1 or len(self) * self.width <= SMALL
        done = map(work, runs) if alone else self.pool.map(work, runs)
        return [item for made in done for item in made]

    def _block(self, rows: slice, dtype: Any) -> Any:
        block = self.features[rows if self.chosen is None else self.chosen[rows]]
        return np.asarray(block).astype(dtype, copy=False)

    def _there(self, array: np.ndarray) -> Any:
        """The array as what multiplies takes it."""
        return array

    def _here(self, product: Any) -> np.ndarray:
        """A product as numpy has it."""
        found: np.ndarray = product
        return found


class DeviceRows(Rows):
    """The same through torch on another device, which keeps the blocks it has seen while there is room for them."""

    def __init__(
        self, features: np.ndarray, pool: Executor, chosen: np.ndarray | None = None, device: str = "cuda"
    ) -> None:
        super().__init__(features, pool, chosen)
        self.device = device
        self._block_rows = max(self._block_rows, DEVICE_BYTES // (4 * self.width))
        self._kept: dict[tuple[int, int, Any], Any] = {}

    def _block(self, rows: slice, dtype: Any) -> Any:
        import torch

        key = rows.start, rows.stop, np.dtype(dtype)
        if key not in self._kept:
            block = self._there(super()._block(rows, dtype))
            if torch.device(self.device).type == "cuda" and torch.cuda.mem_get_info(self.device)[0] < 4 * DEVICE_BYTES:
                return block
            self._kept[key] = block
        return self._kept[key]

    def _there(self, array: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _here(self, product: Any) -> np.ndarray:
        import torch

        if not isinstance(product, torch.Tensor):
            return np.asarray(product)
        found: np.ndarray = product.cpu().numpy()
        return found


def _total(sums: list[Any]) -> Any:
    total = sums[0]
    for more in sums[1:]:
        total += more
    return total
