"""The k nearest rows of each query, exactly: products find the candidates, float64 ranks them.

Brute force, as no index is faster and exact in thousands of dimensions. Rows come in blocks, from memory, from a mapped
file or from a stream that is forgotten; what is held beside them does not grow with their number.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.l2svm.rows import threads
from gan_probe.neighbors.products import products

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    Progress = Callable[[int, int, str], None]  # (done, total, what)

FEWEST_QUERIES, QUERIES = 32, 256  # multiplied at once by a thread
BLOCK_BYTES = 2**26  # of a block of rows in float32
MOST_ROWS = 4096  # in a block: with as many queries as above, 4 MB of scores
PANEL = 2**15  # queries that one reading of the rows serves
PAIRS_BYTES = 2**22  # of pairs of rows that are ranked in float64 at a time
FAR = np.iinfo(np.int64).max  # the index of no row


@dataclass(frozen=True)
class Neighbors:
    """Of each query, `squared` distances (Q, k) float64 and `indices` (Q, k) int64 of the rows, the nearest first.

    Of rows equally near, that of the lowest index comes first. Where there are fewer than k rows, infinity and -1
    stand in place of the others.
    """

    squared: np.ndarray
    indices: np.ndarray


class Search:
    """The k nearest to each query (Q, F) among all rows that are added; the rows themselves are not kept.

    Both are uint8, or both of some float type. Distances are exact to float64's rounding, and for uint8 to the last
    digit, whatever the machine, its threads and the blocks in which the rows come. `device` names another than the CPU
    to multiply on.
    """

    def __init__(self, queries: np.ndarray, k: int = 1, device: str = "cpu") -> None:
        _check(queries, "queries")
        if k < 1:
            raise BadInputError(f"k is {k}: ask for at least one neighbour")
        self.k = k
        self.seen = 0
        self._queries = queries
        self._device = device
        with np.errstate(invalid="ignore", over="ignore"):  # refused in the next line
            self._products = products(queries, device)
        _check_finite(self._products.square, "queries")
        self._squared = np.full((len(queries), k), np.inf)
        self._indices = np.full((len(queries), k), FAR)

    def add(self, rows: np.ndarray) -> None:
        """Look at further rows (R, F); they follow those before in their indices."""
        with _pool() as pool:
            for _ in self.adding(rows, pool):
                pass

    def adding(self, rows: np.ndarray, pool: Executor) -> Iterator[int]:
        """The same with threads that the caller holds; gives the number of rows seen after each block."""
        _check(rows, "rows")
        if rows.shape[1:] != self._queries.shape[1:] or (rows.dtype == np.uint8) != (self._queries.dtype == np.uint8):
            raise BadInputError(
                f"rows are {rows.dtype} of {rows.shape[1]} and queries {self._queries.dtype} of "
                f"{self._queries.shape[1]}: compare like with like"
            )
        length = int(np.clip(BLOCK_BYTES // (4 * rows.shape[1]), 16, MOST_ROWS))
        n = len(self._queries)
        share = int(
            np.clip(-(-n // (os.cpu_count() or 1)), min(FEWEST_QUERIES, QUERIES), QUERIES)
        )  # work for each core
        parts = [slice(i, min(i + share, n)) for i in range(0, n, share)]
        for start in range(0, len(rows), length):
            block = np.asarray(rows[start : start + length])
            with np.errstate(invalid="ignore", over="ignore"):
                self._products.see(block)
                first = self._products.slack(slice(0, 1))
            _check_finite(first, "rows")
            for _ in pool.map(lambda part: self._look(part, block), parts):  # noqa: B023  # it is done in this turn
                pass
            self.seen += len(block)
            yield self.seen

    def found(self) -> Neighbors:
        """The nearest so far."""
        return Neighbors(self._squared.copy(), np.where(self._indices == FAR, -1, self._indices))

    def _look(self, part: slice, block: np.ndarray) -> None:
        """One block of rows for some of the queries."""
        scores = self._products.scores(part)
        slack = self._products.slack(part)
        square = self._products.square[part]
        reach = self._squared[part, -1] - square + slack  # the k-th nearest so far, as a score that may be off
        if not np.isfinite(reach).all():
            nearest = _kth(scores, min(self.k, len(block)))
            reach = np.minimum(reach, nearest + 2 * slack) if len(block) >= self.k else reach
        queries, found = _below(scores, reach)
        if not len(queries):
            return
        if slack.any():
            squared = self._ranked(queries + part.start, block, found)
        else:
            squared = scores[queries, found] + square[queries]
        self._merge(part, queries, squared, found + self.seen)

    def _ranked(self, queries: np.ndarray, block: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Squared distances (P,) of pairs in float64."""
        squared = np.empty(len(rows))
        step = max(1, PAIRS_BYTES // (8 * block.shape[1]))
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            apart = self._queries[queries[some]].astype(np.float64)
            apart -= block[rows[some]]
            squared[some] = np.einsum("ij,ij->i", apart, apart)
        return squared

    def _merge(self, part: slice, queries: np.ndarray, squared: np.ndarray, indices: np.ndarray) -> None:
        """Keep the k nearest of those known and those found; a query's pairs stand together."""
        n = part.stop - part.start
        whose = np.concatenate([np.repeat(np.arange(n), self.k), queries])
        squared = np.concatenate([self._squared[part].ravel(), squared])
        indices = np.concatenate([self._indices[part].ravel(), indices])
        order = np.lexsort((indices, squared, whose))
        starts = np.searchsorted(whose[order], np.arange(n))
        kept = order[starts[:, None] + np.arange(self.k)]  # at least the k that were known
        self._squared[part], self._indices[part] = squared[kept], indices[kept]


def nearest(
    queries: np.ndarray, rows: np.ndarray, k: int = 1, *, device: str = "cpu", progress: Progress | None = None
) -> Neighbors:
    """The k nearest rows (N, F) of each query (Q, F), as `Search` finds them; rows may be mapped from a file.

    Raises BadInputError for fewer than k rows, for arrays that are not of one kind and width, and for NaN or infinity.
    """
    if not 1 <= k <= len(rows):
        raise BadInputError(f"{k} nearest of {len(rows)} rows: ask for 1 to {len(rows)}")
    found = []
    with _pool() as pool:
        panels = range(0, len(queries), PANEL)
        for done, start in enumerate(panels):
            search = Search(queries[start : start + PANEL], k, device)
            for seen in search.adding(rows, pool):
                if progress is not None:
                    progress(done * len(rows) + seen, len(panels) * len(rows), "nearest neighbours")
            found.append(search.found())
    if not found:
        raise BadInputError("there are no queries to find neighbours of")
    return Neighbors(*(np.concatenate([getattr(n, name) for n in found]) for name in ("squared", "indices")))


@contextmanager
def _pool() -> Iterator[Executor]:
    """Threads of our own over the queries, in each of which linear algebra and torch use one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # new threads begin with this number
    try:
        with threads() as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _kth(scores: Any, k: int) -> np.ndarray:
    """The k-th smallest of each query's scores (B, R), (B,) float64."""
    if isinstance(scores, np.ndarray):
        found = np.partition(scores, k - 1, axis=1)[:, k - 1]
    else:
        found = scores.kthvalue(k, dim=1).values.cpu().numpy()
    return found.astype(np.float64)


def _below(scores: Any, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs whose score is at most their query's reach, query by query."""
    if isinstance(scores, np.ndarray):
        if scores.dtype == np.int32:
            limit = np.clip(np.floor(reach), -(2**31), 2**31 - 1).astype(np.int32)
        else:
            limit = _up(reach)
        queries, rows = np.divmod(np.flatnonzero(scores <= limit[:, None]), scores.shape[1])
        return queries, rows
    import torch

    limit = torch.from_numpy(_up(reach)).to(scores.device)
    queries, rows = (scores <= limit[:, None]).nonzero().cpu().numpy().T
    return queries, rows


def _up(reach: np.ndarray) -> np.ndarray:
    """As float32, none of them lower."""
    with np.errstate(over="ignore"):
        found: np.ndarray = np.nextafter(reach.astype(np.float32), np.float32(np.inf))
    return found


def _check(array: np.ndarray, what: str) -> None:
    if array.ndim != 2 or 0 in array.shape or not (array.dtype == np.uint8 or array.dtype.kind == "f"):
        raise BadInputError(f"{what} are {array.dtype} {array.shape}: pass uint8 or floating-point numbers (N, F)")


def _check_finite(numbers: np.ndarray, what: str) -> None:
    if not np.isfinite(numbers).all():
        raise BadInputError(f"{what} hold NaN, infinite or huge values: leave those rows out")
