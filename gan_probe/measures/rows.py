"""A set of feature vectors made ready for distances: centred, in float64, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1024  # rows in float64 at a time: 64 MB of them at 8,192 features, and 8 MB for a tile of distances


class Rows:
    """Features (N, F) of any float type, kept as they are; blocks of them come centred and in float64.

    `centre` (F,) is the same for all sets that are compared: distances do not depend on it, but lose fewer digits where
    it is near to the data. `square` (N,) are squared distances from it. Raises BadInputError for what is no matrix of
    finite numbers.
    """

    def __init__(self, features: np.ndarray, centre: np.ndarray | None = None) -> None:
        if features.ndim != 2 or 0 in features.shape or features.dtype.kind != "f":
            raise BadInputError(f"features are {features.dtype} {features.shape}: pass floating-point numbers (N, F)")
        self.features = features
        if centre is None:
            sums = [features[part].sum(0, dtype=np.float64) for part in self.parts]
            centre = np.sum(sums, axis=0) / len(features)
        if centre.shape != features.shape[1:]:
            raise BadInputError(f"features of {features.shape[1]} and {len(centre)} dimensions lie in different spaces")
        self.centre = centre
        self.square, self.shift = np.empty(len(features)), np.empty(len(features))
        with np.errstate(invalid="ignore", over="ignore"):  # refused below
            for part, block in self.blocks():
                self.square[part] = np.einsum("ij,ij->i", block, block)
                self.shift[part] = block @ centre + centre @ centre / 2  # x y = (x - c)(y - c) + shift(x) + shift(y)
        if not np.isfinite(self.square).all():
            raise BadInputError("the features hold NaN or infinite values: the network or the images are damaged")

    def __len__(self) -> int:
        return len(self.features)

    @property
    def dimensions(self) -> int:
        """F, the length of a feature vector."""
        return int(self.features.shape[1])

    @property
    def parts(self) -> list[slice]:
        """Where each block begins and ends."""
        return [slice(start, min(start + BLOCK, len(self))) for start in range(0, len(self), BLOCK)]

    def blocks(self, start: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
        """Each block's place, and its centred rows (B, F) float64, from the block that begins at row `start`."""
        for part in self.parts[start // BLOCK :]:
            yield part, self.features[part].astype(np.float64) - self.centre

    def spread(self, n: int) -> Rows:
        """`n` of the rows, evenly spread over all; itself where that is all of them."""
        if n >= len(self):
            return self
        return Rows(self.features[np.linspace(0, len(self) - 1, n).round().astype(np.int64)], self.centre)
