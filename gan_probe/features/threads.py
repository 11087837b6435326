"""A map over threads that keeps its order, each with torch to itself."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """`function` of each item, in order, made by that many threads, in each of which torch uses a single one.

    A result is thus the same whatever the number of threads; and threads that share each of a network's layers would
    wait for each other at all of them, for long where another program is busy. One result more than there are threads
    is held at a time.
    """
    import torch

    if threads == 1:
        yield from map(function, items)
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # new threads begin with this number
    ahead = deque[Future[Result]]()
    try:
        with ThreadPoolExecutor(threads) as pool:
            try:
                for item in items:
                    ahead.append(pool.submit(function, item))
                    if len(ahead) > threads:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)  # the caller may have had enough, or an error come
    finally:
        torch.set_num_threads(before)
