"""Where training takes its minibatches from: an epoch at a time, in an order that the seed alone decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gan_probe.data.memory import fits, sharers
from gan_probe.errors import BadInputError
from gan_probe.training.order import shuffled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from gan_probe.data import Skipped, Split
    from gan_probe.data.model import Progress
    from gan_probe.features.store import FeatureStore


EVERY = slice(None)


class Source(Protocol):
    """Training images, N of them, each H x W x C, as minibatches."""

    shape: tuple[int, int, int]  # height, width, channels
    labels: np.ndarray | None  # (N,) int64 into classes
    classes: tuple[str, ...]
    fingerprint: str  # of pixels and labels, or, with a word before a colon, of what that word says
    identity: str  # equal for sources that give the same batches, in memory or not: what a resumed training asks for

    def __len__(self) -> int: ...

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Inputs left out, as far as they are known."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was assumed, converted, or chosen."""

    def epoch(
        self, rng: np.random.Generator, batch: int, start: int = 0, share: slice = EVERY
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Minibatches (batch, H, W, C) uint8 with labels (batch,) int64 or None, from the `start`-th of the epoch on.

        `rng` decides the order of the whole epoch, so that one resumed at `start` goes on as if it had not stopped. An
        incomplete last batch is left out: batch norm would feel it. Of each batch only the `share` is given, where
        several processes train on one.
        """

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """At most `n` images (n, H, W, C) uint8, drawn without replacement, and their labels, in random order."""

    def record(self) -> dict[str, Any]:
        """A line for the report: split, n, fingerprint, skipped and notes."""


class InMemory:
    """Images (N, H, W, C) uint8 with labels (N,) or None, in a new order every epoch."""

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        classes: tuple[str, ...] = (),
        *,
        name: str = "",
        fingerprint: str = "",
        identity: str = "",
        skipped: tuple[Skipped, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        if str(images.dtype) != "uint8" or images.ndim != 4:
            raise BadInputError(
                f"training takes images (N, H, W, C) of type uint8, not {images.ndim}-dimensional {images.dtype}"
            )
        self.images = images
        self.labels = labels
        self.classes = classes
        self.shape = images.shape[1:]
        self.name, self.skipped, self.notes = name, skipped, notes
        self.fingerprint, self.identity = fingerprint, identity

    def __len__(self) -> int:
        return len(self.images)

    def epoch(
        self, rng: np.random.Generator, batch: int, start: int = 0, share: slice = EVERY
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Minibatches in an order of `order.shuffled`."""
        order = shuffled(len(self), rng)
        for i in range(start * batch, len(self) // batch * batch, batch):
            yield self._at(order[i : i + batch][share])

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """The first `n` of a permutation."""
        return self._at(rng.permutation(len(self))[:n])

    def record(self) -> dict[str, Any]:
        """The line that `Context.images` would add."""
        return record(self.name, self)

    def _at(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return self.images[chosen], None if self.labels is None else self.labels[chosen]


def choose_source(
    split: Split,
    image_size: int,
    channels: int,
    *,
    epochs: int = 1,
    store: FeatureStore | None = None,
    progress: Progress | None = None,
    agreed: Callable[[bool], bool] = lambda fitting: fitting,
) -> Source:
    """The images of a split for that many epochs: in memory where they fit, else from the disk, where a note says how.

    Decoded once, into a file that `gan-probe cache` lists, where several epochs use it and it takes at most half of
    the free disk; else decoded anew every epoch. `store` is the user's own. Raises BadInputError as `Split.load` does.
    """
    from gan_probe.data.identity import identity_of
    from gan_probe.errors import OutputError
    from gan_probe.features.store import FeatureStore
    from gan_probe.training.decoded import decoded
    from gan_probe.training.stream import Stream

    nbytes = len(split) * image_size**2 * channels
    if agreed(fits(nbytes * sharers())):
        images = split.load(image_size, channels, progress)
        return InMemory(
            images.images,
            images.labels,
            images.classes,
            name=split.name,
            fingerprint=images.fingerprint,
            identity=identity_of(split, len(images), image_size, channels),
            skipped=images.skipped,
            notes=images.notes,
        )
    size = f"{split.name}: decoded, its images take {nbytes / 1e9:.1f} GB, more than half of the memory available"
    if epochs == 1:
        return Stream(split, image_size, channels, notes=(f"{size}: they were read from the disk as training went on",))
    try:
        kept = decoded(split, image_size, channels, store or FeatureStore.default(), progress)
        note = f"{size}: they were decoded once, into `gan-probe cache`"
        source = Stream(kept, image_size, channels, notes=(note,))
        source.identity = identity_of(split, len(kept), image_size, channels)
        return source
    except OutputError as error:
        return Stream(split, image_size, channels, notes=(f"{size}, and they were decoded in every epoch: {error}",))


def record(name: str, source: Source) -> dict[str, Any]:
    """What a report says about a source's images."""
    return {
        "split": name,
        "n": len(source),
        "fingerprint": source.fingerprint,
        "skipped": [f"{skipped.name}: {skipped.reason}" for skipped in source.skipped],
        "notes": list(source.notes),
    }
