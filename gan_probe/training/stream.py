"""Training images that fit into no memory: decoded as they are needed, by processes ahead of the training step."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.data.decoders import CHUNK, Decoders, default_workers
from gan_probe.data.encoded import EncodedPixels, check_damage
from gan_probe.data.identity import listing_fingerprint, positions
from gan_probe.data.model import Skipped
from gan_probe.data.names import printable, short
from gan_probe.errors import BadInputError, one_line
from gan_probe.training.order import shuffled
from gan_probe.training.source import EVERY, record

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from gan_probe.data.model import Split

    Batches = Generator[tuple[np.ndarray, np.ndarray | None]]


class Stream:
    """The images of a split, read anew every epoch in the order of `order.shuffled`; a `Source`.

    An image that cannot be read is replaced by the next one of its batch (or share of it) that can, so that a batch
    depends on nothing but its place in the epoch: not on what came before, nor on processes. BadInputError once more
    than 1 % of all images were found damaged, or where no image of a batch can be read.
    """

    def __init__(
        self, split: Split, image_size: int, channels: int, *, notes: tuple[str, ...] = (), workers: int | None = None
    ) -> None:
        self.split = split
        self.shape = (image_size, image_size, channels)
        self.labels = split.labels
        self.classes = split.classes
        self.fingerprint = listing_fingerprint(split, image_size, channels)
        self.identity = f"{len(split)} of {self.fingerprint}"
        self.workers = default_workers() if workers is None else workers
        self._notes = split.notes + notes
        self._indices = positions(split)
        self._damaged: dict[int, str] = {}  # by index into pixels
        self._remarked: dict[str, int] = {}  # each remark, and the first image that it was made about

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The inputs left out, and the damaged images found so far."""
        found = sorted(self._damaged.items())
        return self.split.skipped + tuple(Skipped(printable(self._name(i)), fault) for i, fault in found)

    @property
    def notes(self) -> tuple[str, ...]:
        """The split's, why it is streamed, and what was found so far."""
        remarks = sorted(self._remarked.items())
        found = (f"{self.split.name}: images {r} (first met: {short(self._name(i), 40)})" for r, i in remarks)
        return self._notes + tuple(found)

    def record(self) -> dict[str, Any]:
        """A line for the report."""
        return record(self.split.name, self)

    def epoch(self, rng: np.random.Generator, batch: int, start: int = 0, share: slice = EVERY) -> Batches:
        """Minibatches in an order of `order.shuffled`; nothing before the `start`-th is read."""
        order = shuffled(len(self), rng)
        starts = range(start * batch, len(self) // batch * batch, batch)
        return self._read([order[i : i + batch][share] for i in starts])

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """`n` images drawn without replacement."""
        with closing(self._read([rng.permutation(len(self))[:n]])) as batches:
            return next(batches)

    def _read(self, batches: list[np.ndarray]) -> Batches:
        with closing(self._decoded(batches)) as parts:
            for chosen in batches:
                images = np.empty((len(chosen), *self.shape), np.uint8)
                faults: dict[int, str] = {}
                done = 0
                while done < len(chosen):
                    part, found = next(parts)
                    images[done : done + len(part)] = part
                    faults |= {done + position: fault for position, fault in found.items()}
                    done += len(part)
                sources = self._mended(chosen, faults)
                images[list(faults)] = images[sources[list(faults)]]
                yield images, None if self.labels is None else self.labels[chosen[sources]]

    def _mended(self, chosen: np.ndarray, faults: dict[int, str]) -> np.ndarray:
        """The position in the batch from which each image comes: its own, or the next that can be read."""
        sources = np.arange(len(chosen))
        if not faults:
            return sources
        self._damaged |= {int(self._indices[chosen[position]]): fault for position, fault in faults.items()}
        check_damage(self._damaged, len(self), self._name, self.split.name)
        sound = np.setdiff1d(sources, list(faults))
        if not len(sound):
            index, fault = next(iter(self._damaged.items()))
            where = f"{short(self.split.name, 40)}: none of {len(chosen)} images that were drawn together can be read"
            raise BadInputError(one_line(f"{where}; first: {short(self._name(index), 40)}: {fault}"))
        return sound[np.searchsorted(sound, sources) % len(sound)]

    def _decoded(self, batches: list[np.ndarray]) -> Generator[tuple[np.ndarray, dict[int, str]]]:
        """The batches' images in parts, in order, and faults by position in the part."""
        chunks = (self._indices[batch[i : i + CHUNK]] for batch in batches for i in range(0, len(batch), CHUNK))
        pixels, name = self.split.pixels, self.split.name
        if not isinstance(pixels, EncodedPixels):
            for chunk in chunks:
                loaded = pixels.load(chunk, self.shape[0], self.shape[2], name, None)
                images = np.zeros((len(chunk), *self.shape), np.uint8)
                images[loaded.kept] = loaded.images
                lost = np.setdiff1d(np.arange(len(chunk)), loaded.kept).tolist()
                yield images, {p: s.reason for p, s in zip(lost, loaded.skipped, strict=True)}
            return
        reader = pixels.reader
        asked: list[np.ndarray] = []

        def addresses() -> Iterator[list[Any]]:
            for chunk in chunks:
                asked.append(chunk)
                yield [reader.address(index) for index in chunk.tolist()]

        with Decoders(reader.place, self.shape[0], self.shape[2], self.workers) as decoders:
            for images, outcomes in decoders.decode(addresses()):
                chunk = asked.pop(0)
                for position, _, remarks in outcomes:
                    for remark in remarks:
                        self._remarked.setdefault(remark, int(chunk[position]))
                yield images, {position: fault for position, fault, _ in outcomes if fault}

    def _name(self, index: int) -> str:
        pixels = self.split.pixels
        return pixels.reader.names[index] if isinstance(pixels, EncodedPixels) else f"image {index}"
