"""Encoded images, decoded by a few threads in a fixed order; damaged ones are skipped, counted and listed."""

from __future__ import annotations

import os
import threading
import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gan_probe.data.decode import load_first_frame, open_image
from gan_probe.data.fit import UnreadableImageError, fit
from gan_probe.data.model import Loaded, Skipped
from gan_probe.data.names import printable, short
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from gan_probe.data.model import Progress

TOLERATED = 0.01  # share of damaged images; one damaged image is tolerated in a set of any size
CHUNK = 64
THREADS = min(4, os.cpu_count() or 1)  # Pillow releases the lock while it decodes; reading small files does not
LARGE = 2**22  # pixels; larger images are decoded one at a time, so that threads do not multiply the peak of memory
_one_large_image = threading.Lock()


class Place(Protocol):
    """Where encoded images lie: a folder, an archive, data bases. Small, and it can be pickled."""

    def opened(self) -> AbstractContextManager[Callable[[Any], bytes]]:
        """Open what is to be held open while images are read; gives a thread-safe function from address to bytes."""


class Reader(Protocol):
    """Named, encoded images, and the address of each at their place."""

    @property
    def names(self) -> Sequence[str]:
        """The images' names inside their set."""

    @property
    def place(self) -> Place:
        """What is opened to read them."""

    def address(self, index: int) -> Any:
        """What the place knows the image by: small, and it can be pickled."""

    def stamps(self, indices: np.ndarray) -> Iterable[tuple[int, Any]]:
        """For each image its size in bytes, and plain data that differ when its content has changed.

        Where the place does not tell an image's own size (data bases), it is that of the file that holds it.
        """


@dataclass(frozen=True, eq=False)
class EncodedPixels:
    """The images of a reader."""

    reader: Reader

    def __len__(self) -> int:
        return len(self.reader.names)

    def load(self, indices: np.ndarray, image_size: int, channels: int, what: str, progress: Progress | None) -> Loaded:
        """Decode and fit the images at `indices`; the order and the outcome do not depend on the threads."""
        total = len(indices)
        images = np.empty((total, image_size, image_size, channels), dtype=np.uint8)
        damaged: dict[int, str] = {}
        remarked: defaultdict[str, list[int]] = defaultdict(list)

        with self.reader.place.opened() as read, warnings.catch_warnings():
            # our own limit on pixels is the stricter one; damaged metadata does not matter for pixels
            warnings.filterwarnings("ignore", module=r"PIL\.")

            def chunk(start: int) -> list[tuple[int, str, tuple[str, ...]]]:
                outcomes = []
                for position in range(start, min(start + CHUNK, total)):
                    fault, remarks = decode_one(read, self.reader.address(int(indices[position])), images[position])
                    if fault or remarks:
                        outcomes.append((position, fault, remarks))
                return outcomes

            pool = ThreadPoolExecutor(THREADS)
            try:
                for number, outcomes in enumerate(pool.map(chunk, range(0, total, CHUNK))):
                    for position, fault, remarks in outcomes:
                        if fault:
                            damaged[position] = fault
                        for remark in remarks:
                            remarked[remark].append(position)
                    check_damage(damaged, total, lambda position: self.reader.names[indices[position]], what)
                    if progress is not None:
                        progress(min((number + 1) * CHUNK, total), total, f"decoding {what}")
            finally:
                pool.shutdown(cancel_futures=True)

        if len(damaged) == total:
            first = next(iter(damaged.items()))
            raise BadInputError(f"{what}: no image can be read; {self._name(indices, first[0])}: {first[1]}")
        kept = np.setdiff1d(np.arange(total), list(damaged))
        return Loaded(
            images if not damaged else images[kept],
            kept,
            tuple(Skipped(printable(self.reader.names[indices[p]]), fault) for p, fault in damaged.items()),
            tuple(
                f"{what}: {len(positions)} of {total} images {remark} (first: {self._name(indices, positions[0])})"
                for remark, positions in sorted(remarked.items())
            ),
        )

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """What the headers say; no pixel is decoded."""
        found = []
        with self.reader.place.opened() as read, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            for index in indices.tolist():
                # what cannot be read is skipped here, and named by `load`
                with suppress(Exception):
                    image = open_image(read(self.reader.address(index)))
                    grey = image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")
                    found.append((image.height, image.width, 1 if grey else 3))
        return found

    def _name(self, indices: np.ndarray, position: int) -> str:
        return short(self.reader.names[indices[position]], 40)


def check_damage(damaged: Mapping[int, str], total: int, name: Callable[[int], str], what: str) -> None:
    """BadInputError if more than 1 % of `total` images, and more than one, are damaged; `name` is told the first."""
    if len(damaged) > max(1, int(TOLERATED * total)):
        first, fault = next(iter(damaged.items()))
        raise BadInputError(
            f"{short(what, 30)}: over {TOLERATED:.0%} of {total} images cannot be read: mend or drop them; "
            f"first: {short(name(first), 40)}: {one_line(fault, 80)}"
        )


def decode_one(read: Callable[[Any], bytes], address: Any, out: np.ndarray) -> tuple[str, tuple[str, ...]]:
    """Read, decode and fit one image into `out` (H, W, C); returns the fault, or an empty string, and remarks."""
    try:
        image = open_image(read(address))
        with _one_large_image if image.width * image.height > LARGE else nullcontext():
            remarks = load_first_frame(image)
            out[...] = fit(image, out.shape[0], out.shape[2])
    except MemoryError:
        raise
    except UnreadableImageError as error:
        return str(error), ()
    except OSError as error:  # Pillow's for a truncated file, and the system's
        return one_line(error.strerror or error, 120), ()
    except Exception as error:  # decoders raise anything on damaged bytes; the caller lists it, and stops above 1 %
        return one_line(f"{type(error).__name__}: {error}", 120), ()
    return "", remarks
