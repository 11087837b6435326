"""What a feature space is: a fixed map of images to vectors, with a name that says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Progress = Callable[[int, int, str], None]  # (done, total, what)

BLOCK = 1024  # images fitted at once


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """A map of images to vectors, (N, H, W, C) uint8 to (N, F) float32.

    It is called with images of `image_size` and `channels`, for which it was opened; `size` and `planes` are what the
    map itself takes. `name` tells it from every other space, by the digest of its weights, and belongs beside each
    number that was measured in it; `digest` (SHA-256) is whole, and empty for pixels. `notes` are sentences for the
    report: how images are fitted, and what was assumed.
    """

    name: str
    digest: str
    image_size: int
    channels: int
    size: int
    planes: int
    map: Callable[[np.ndarray], np.ndarray]  # fitted images (n, size, size, planes) uint8 to (n, F) float32
    assumed: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """How images meet the map, and what was assumed of it."""
        if (self.size, self.planes) == (self.image_size, self.channels):
            return self.assumed
        given, taken = (
            f"{size}x{size} {'grey' if channels == 1 else 'colour'}"
            for size, channels in ((self.image_size, self.channels), (self.size, self.planes))
        )
        how = "resized (bicubic, antialiased)" if self.size != self.image_size else "converted"
        return (f"Images of {given} are {how} to {taken} for the feature space {self.name}.", *self.assumed)

    def __call__(self, images: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Features (N, F) float32, in order; an image's do not depend on the others.

        Raises BadInputError for images of another kind or size than it was opened for, for activations that are not
        finite, and for features that do not fit into memory.
        """
        import numpy as np

        from gan_probe.data.fit import fit_arrays
        from gan_probe.data.memory import check_memory

        wanted = (self.image_size, self.image_size, self.channels)
        if images.dtype != np.uint8 or images.shape[1:] != wanted or len(images) == 0:
            raise BadInputError(
                f"images are {images.dtype} {images.shape}; the feature space {self.name} was opened for uint8 "
                f"(N, {', '.join(map(str, wanted))})"
            )
        features: np.ndarray | None = None
        for start in range(0, len(images), BLOCK):
            part = slice(start, min(start + BLOCK, len(images)))
            block = self.map(fit_arrays(images[part], self.size, self.planes))
            if features is None:
                shape = (len(images), block.shape[1])
                check_memory(shape[0] * shape[1] * 4, f"an array of {shape[0]:,} x {shape[1]:,} features")
                features = np.empty(shape, np.float32)
            features[part] = block
            if progress is not None:
                progress(part.stop, len(images), f"features in {self.name}")
        assert features is not None  # noqa: S101  # there are images
        return features
