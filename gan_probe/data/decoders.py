"""Processes that decode images ahead of who needs them; what comes, and in which order, does not depend on them.

Threads would not do: of the 0.1 ms that a small JPEG takes, most holds Python's lock, which the training step needs,
too. The processes are started by hand and not by `multiprocessing`, which would import the caller's script again.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.encoded import decode_one
from gan_probe.data.memory import sharers
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gan_probe.data.encoded import Place

    Outcomes = list[tuple[int, str, tuple[str, ...]]]  # position, fault or "", remarks

CHUNK = 128  # images that a process is asked for at a time
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from gan_probe.data.decoders import serve; serve()"
)


def default_workers() -> int:
    """Half of the cores that this process may use, at most 16: the training step has use for the others.

    Of the processes that torchrun starts on one machine each has its part.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(16, cores // (2 * sharers())))


class Decoders:
    """Processes that hold a place open; use as a context manager, and `decode` as often as needed, one at a time.

    Memory is constant: a chunk of images for each process.
    """

    def __init__(self, place: Place, image_size: int, channels: int, workers: int) -> None:
        self.shape = (image_size, image_size, channels)
        self.setup = (place, *self.shape)
        self.workers = workers

    def __enter__(self) -> Decoders:
        with ExitStack() as stack:
            self._processes = [stack.enter_context(_process(self.setup)) for _ in range(self.workers)]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def decode(self, chunks: Iterable[Sequence[Any]]) -> Iterator[tuple[np.ndarray, Outcomes]]:
        """The images (n, H, W, C) uint8 at each chunk of addresses, in order, with what is to be said about them.

        What cannot be read is named among the outcomes, and its pixels mean nothing. BadInputError if the place cannot
        be opened, or a process ended, as the system does to one of them where memory runs out.
        """
        questions = iter(chunks)
        asked = deque[tuple[int, subprocess.Popen[bytes]]]()
        # by turns, so that the order is that of asking; one at a time, so that a process always reads what it is sent
        for process, chunk in zip(self._processes, questions, strict=False):
            asked.append((_send(process, chunk), process))
        while asked:
            n, process = asked.popleft()
            answer = self._fetch(n, process)
            for chunk in islice(questions, 1):
                asked.append((_send(process, chunk), process))
            yield answer

    def _fetch(self, n: int, process: subprocess.Popen[bytes]) -> tuple[np.ndarray, Outcomes]:
        answers = _pipe(process.stdout)
        images = np.empty((n, *self.shape), np.uint8)
        try:
            outcomes = pickle.load(answers)  # noqa: S301  # our own process wrote it
            if isinstance(outcomes, str):
                raise BadInputError(outcomes)
            whole = answers.readinto(images.data.cast("B")) == images.nbytes  # type: ignore[attr-defined]
        except (EOFError, pickle.UnpicklingError):
            whole = False
        if not whole:
            raise _ended()
        return images, outcomes


def serve() -> None:
    """What a decoding process does: open the place that it is told, and decode until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # both go to the whole group; the end comes with that of the questions
    warnings.simplefilter("ignore")  # of Pillow's; as in `encoded`
    questions = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # a library that prints must not disturb the answers
        try:
            place, *shape = pickle.load(questions)  # noqa: S301  # our own parent wrote it
            with place.opened() as read:
                while True:
                    addresses = pickle.load(questions)  # noqa: S301
                    images = np.empty((len(addresses), *shape), np.uint8)
                    outcomes = []
                    for position, address in enumerate(addresses):
                        fault, remarks = decode_one(read, address, images[position])
                        if fault or remarks:
                            outcomes.append((position, fault, remarks))
                    pickle.dump(outcomes, answers)
                    answers.write(images.data)
                    answers.flush()
        except (EOFError, BrokenPipeError):
            os._exit(0)  # nobody asks, or nobody listens: what is left to be flushed is nobody's
        except Exception as error:  # the place cannot be opened, memory ran out: for the parent to say
            mendable = isinstance(error, BadInputError)
            pickle.dump(one_line(error if mendable else f"decoding failed: {type(error).__name__}: {error}"), answers)


@contextmanager
def _process(setup: tuple[Any, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """A decoding process, which ends with the block."""
    # -P: no module of the folder that the user happens to be in
    line = [sys.executable, "-P", "-c", _START]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # no word of anybody's
    try:
        _send(process, sys.path)
        _send(process, setup)
        yield process
    finally:
        process.kill()  # it holds nothing but pixels
        _pipe(process.stdout).close()
        with suppress(BrokenPipeError):
            _pipe(process.stdin).close()
        process.wait()


def _send(process: subprocess.Popen[bytes], what: Sequence[Any]) -> int:
    """Ask, and return how many images the answer will hold."""
    with suppress(BrokenPipeError):  # it has ended: its answer, or that there is none, says why
        pipe = _pipe(process.stdin)
        pickle.dump(what, pipe)
        pipe.flush()
    return len(what)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101  # opened with the process
    return pipe


def _ended() -> BadInputError:
    return BadInputError("a process that decodes images has ended, perhaps for lack of memory: free some, and resume")
