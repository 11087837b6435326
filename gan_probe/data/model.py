"""Data as analyses see it: a set has splits, a split is decoded into images."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    Progress = Callable[[int, int, str], None]  # (done, total, what)


@dataclass(frozen=True)
class Skipped:
    """An input that was left out: its printable name, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images (N, H, W, C) uint8, with labels (N,) int64 into `classes`, or None.

    `skipped` are the inputs left out, `notes` sentences on what was assumed or converted, and `fingerprint` the SHA-256
    over shape, pixels and labels, which names exactly what an analysis saw. Where more is known of the images,
    `attributes` holds arrays (N, ...) by name, and `boxes` the objects' x0, y0, x1, y1 (N, 4) in pixels, half-open,
    NaN where absent.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    boxes: Mapping[str, np.ndarray] = field(default_factory=dict)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        object.__setattr__(self, "fingerprint", digest.hexdigest())

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Loaded:
    """What `Pixels.load` returns: images (M, H, W, C) uint8, the positions (M,) among those asked for, and remarks."""

    images: np.ndarray
    kept: np.ndarray
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


class Pixels(Protocol):
    """Where images lie: an array, or encoded files in a folder, an archive or a data base."""

    def __len__(self) -> int: ...

    def load(self, indices: np.ndarray, image_size: int, channels: int, what: str, progress: Progress | None) -> Loaded:
        """Read and fit the images at `indices`, in that order."""

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """Stored height, width and channels (1 or 3) of the images at `indices`, less those that cannot be read."""


@dataclass(frozen=True, eq=False)
class Split:
    """A part of a data set; nothing is decoded before `load`.

    `labels` are (N,) int64 into `classes`, or None. `indices` (N,) choose among `pixels`; None means all of them.
    `attributes` and `boxes` are as in `Images`, the boxes as shares of the square that is kept, 0..1.
    """

    name: str
    pixels: Pixels
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    indices: np.ndarray | None = None
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    boxes: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.labels is not None and len(self.labels) != len(self):
            raise BadInputError(f"{self.name}: {len(self)} images but {len(self.labels)} labels")

    @classmethod
    def from_arrays(
        cls, name: str, images: np.ndarray, labels: np.ndarray | None = None, classes: tuple[str, ...] = ()
    ) -> Split:
        """A split of images (N, H, W, C) or (N, H, W) uint8 and labels (N,) int64 into `classes`."""
        from gan_probe.data.arrays import ArrayPixels

        return cls(name, ArrayPixels(images, name), labels, classes)

    def __len__(self) -> int:
        return len(self.pixels) if self.indices is None else len(self.indices)

    def subset(self, indices: np.ndarray) -> Split:
        """The images at `indices`, in that order."""
        import numpy as np

        own = np.arange(len(self)) if self.indices is None else self.indices
        return dataclasses.replace(
            self,
            indices=own[indices],
            labels=None if self.labels is None else self.labels[indices],
            attributes={name: values[indices] for name, values in self.attributes.items()},
            boxes={name: box[indices] for name, box in self.boxes.items()},
        )

    def take(self, n: int, rng: np.random.Generator) -> Split:
        """Draw `n` images without replacement, in random order: proportionally from each class, if there are labels."""
        from gan_probe.data.draws import draw

        if not 1 <= n <= len(self):
            raise BadInputError(f"{self.name}: cannot draw {n} images of {len(self)}; ask for 1 to {len(self)}")
        return self.subset(draw(len(self), self.labels, n, rng))

    def native_shape(self) -> tuple[int, int]:
        """Size and channels as stored: the median shorter side, and 3 if any is in colour, of 64 images evenly spread.

        Raises BadInputError where none of them can be read.
        """
        import numpy as np

        spread = np.unique(np.linspace(0, len(self) - 1, 64).astype(np.int64))
        shapes = self.pixels.shapes(spread if self.indices is None else self.indices[spread])
        if not shapes:
            raise BadInputError(f"{self.name}: none of {len(spread)} images looked at can be read")
        return int(np.median([min(shape[:2]) for shape in shapes])), max(shape[2] for shape in shapes)

    def load(self, image_size: int, channels: int, progress: Progress | None = None) -> Images:
        """Decode and fit every image of the split by the rule of `gan_probe.data.fit`.

        Returns images (N, image_size, image_size, channels) uint8, N less what was skipped. BadInputError when more
        than 1 % (and more than one) cannot be read, or when the result does not fit into memory.
        """
        import numpy as np

        from gan_probe.data.memory import check_memory

        if len(self) == 0:
            raise BadInputError(f"{self.name}: no images")
        if image_size < 1 or channels not in (1, 3):
            raise BadInputError(f"images of {image_size} px and {channels} channels: ask for 1 or 3 channels")
        check_memory(len(self) * image_size**2 * channels, f"{self.name} at {image_size}x{image_size}x{channels}")
        indices = np.arange(len(self)) if self.indices is None else self.indices
        loaded = self.pixels.load(indices, image_size, channels, self.name, progress)
        return Images(
            loaded.images,
            None if self.labels is None else self.labels[loaded.kept],
            self.classes,
            self.skipped + loaded.skipped,
            self.notes + loaded.notes,
            {name: values[loaded.kept] for name, values in self.attributes.items()},
            {name: box[loaded.kept] * image_size for name, box in self.boxes.items()},
        )


@dataclass(frozen=True, eq=False)
class Data:
    """A data set: its name, its training split, and its own test split where it has one."""

    name: str
    train: Split
    test: Split | None = None
    description: str = ""

    def lent(self) -> Data:
        """The same set with labels, indices, attributes and boxes of its own: who changes them changes nobody else's.

        Pixels are shared: those in memory cannot be written.
        """
        import copy

        def own(split: Split) -> Split:
            names = ("labels", "indices", "attributes", "boxes")
            return dataclasses.replace(split, **{name: copy.deepcopy(getattr(split, name)) for name in names})

        return dataclasses.replace(self, train=own(self.train), test=None if self.test is None else own(self.test))

    def train_test(self, rng: np.random.Generator, fraction: float = 0.2) -> tuple[Split, Split]:
        """The set's own splits, or a stratified seeded draw of `fraction` of the training split as the test.

        A test split without labels does not count where the training split has labels.
        """
        if self.test is not None and (self.test.labels is not None or self.train.labels is None):
            return self.train, self.test
        import numpy as np

        from gan_probe.data.draws import draw

        n = round(len(self.train) * fraction)
        if not 1 <= n < len(self.train):
            raise BadInputError(f"{self.name}: {len(self.train)} images cannot be split into training and test")
        order = draw(len(self.train), self.train.labels, n, rng)
        rest = rng.permutation(np.setdiff1d(np.arange(len(self.train)), order))
        train, test = self.train.subset(rest), self.train.subset(order)
        return train, dataclasses.replace(test, name=f"{self.name} test (drawn)")


def describe(data: Data) -> dict[str, Any]:
    """The set as plain data: name, description, and each split's size, images per class, skipped inputs and notes.

    `classes` is empty for a split without labels.
    """
    splits = []
    for split in (data.train, data.test):
        if split is None:
            continue
        counts = {}
        if split.labels is not None:
            found = Counter(split.labels.tolist())
            counts = {name: found[index] for index, name in enumerate(split.classes)}
        splits.append(
            {
                "name": split.name,
                "n": len(split),
                "classes": counts,
                "skipped": [dataclasses.asdict(item) for item in split.skipped],
                "notes": list(split.notes),
            }
        )
    return {"name": data.name, "description": data.description, "splits": splits}
