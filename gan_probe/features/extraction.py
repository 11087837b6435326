"""Features of several sets of images, from the store where it has them, else extracted, and then kept there."""

from __future__ import annotations

import hashlib
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gan_probe.errors import BadInputError, OutputError, one_line
from gan_probe.features.pooling import batches, columns_of, in_memory, pooled_rows
from gan_probe.features.statistics import digest_of, recalibrated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from torch import Tensor

    from gan_probe.data import Images
    from gan_probe.features.pooling import Progress
    from gan_probe.features.store import FeatureStore
    from gan_probe.gan import GAN, Net

FORMAT = 1  # of what features are: a change of how they are computed, beyond rounding, makes it the next number
DType = Literal["float32", "float16"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images that batch norm's statistics are recomputed on: those at `order`, `batch_size` at a time."""

    images: Images
    order: np.ndarray
    batch_size: int = 128


@dataclass(frozen=True, eq=False)
class Features:
    """Features (N, F), in memory or memory-mapped read-only, each layer's columns, and whether the store had them."""

    array: np.ndarray
    columns: dict[str, slice]
    cached: bool = False


def extract(
    gan: GAN,
    net: Net,
    sets: Sequence[Images],
    layers: Sequence[str],
    *,
    grid: int = 4,
    calibration: Calibration | None = None,
    dtype: DType = "float32",
    batch_size: int = 128,
    store: FeatureStore | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Features]:
    """The pooled activations of each set of images, as `pooled_rows` makes them; from the `store` where it has them.

    Batch norm normalises by statistics recomputed on `calibration`, which are taken only if something has to be
    extracted, else by the network's own. `about` goes into the store's list beside the features, and has no influence.
    float16 halves memory and disk: |x - float16(x)| <= max(|x| / 2048, 3e-8). Raises BadInputError for activations
    beyond float16's range or not finite, and for features that fit neither store nor memory; OutputError if a store
    that the user asked for cannot be written. Another store that cannot be written warns, and features stay in memory.
    """
    progress = progress or (lambda _done, _total, _what: None)
    pending = [] if calibration is None else [calibration]
    made_from = _made_from(gan, net, layers, grid, calibration, dtype)
    found = []
    with ExitStack() as stack:

        def make(images: Images) -> tuple[list[slice], Iterator[np.ndarray]]:
            if pending:
                stack.enter_context(recalibrated(net, _calibration_batches(gan, pending.pop(), progress)))
            columns = columns_of(gan, net, images.images, layers, grid)
            rows = pooled_rows(gan, net, images.images, layers, grid=grid, batch_size=batch_size, progress=progress)
            return columns, _narrowed(rows, dtype, layers, columns)

        for images in sets:
            if store is not None and made_from is not None:
                try:
                    key = {**made_from, "images": images.fingerprint}
                    found.append(_from_store(store, key, layers, images, make, dtype, about, progress))
                    continue
                except OutputError as error:
                    if store.required:
                        raise
                    warnings.warn(f"{error}; the features stay in memory", stacklevel=2)
                    store = None
            columns, rows = make(images)
            array = in_memory(rows, (len(images), columns[-1].stop), dtype)
            found.append(Features(array, dict(zip(layers, columns, strict=True))))
    return found


def _from_store(
    store: FeatureStore,
    key: dict[str, Any],
    layers: Sequence[str],
    images: Images,
    make: Callable[[Images], tuple[list[slice], Iterator[np.ndarray]]],
    dtype: DType,
    about: Mapping[str, Any] | None,
    progress: Progress,
) -> Features:
    def named() -> tuple[list[tuple[str, int, int]], Iterator[np.ndarray]]:
        columns, rows = make(images)
        return [(layer, c.start, c.stop) for layer, c in zip(layers, columns, strict=True)], rows

    array, entry, cached = store.get(
        key,
        named,
        rows=len(images),
        dtype=dtype,
        about=about,
        waiting=lambda: progress(0, 1, "waiting for another run that extracts the same features"),
    )
    return Features(array, {layer: slice(start, stop) for layer, start, stop in entry.columns}, cached)


def _made_from(
    gan: GAN, net: Net, layers: Sequence[str], grid: int, calibration: Calibration | None, dtype: DType
) -> dict[str, Any] | None:
    """All that features depend on, but for the images; None for a network that cannot tell what it computes."""
    digest = net.digest() if hasattr(net, "digest") else None
    if digest is None:
        return None
    return {
        "format": FORMAT,
        "network": digest,
        "statistics": digest_of(net.statistics) if calibration is None else _describe(calibration),
        "value_range": list(gan.card.value_range),
        "layers": list(layers),
        "grid": grid,
        "dtype": dtype,
        "device": gan.device.type,  # accelerators multiply at a lower precision by default
    }


def _describe(calibration: Calibration) -> dict[str, Any]:
    order = hashlib.sha256(calibration.order.astype("<i8").tobytes()).hexdigest()
    return {"images": calibration.images.fingerprint, "order": order, "batch_size": calibration.batch_size}


def _calibration_batches(gan: GAN, calibration: Calibration, progress: Progress) -> Iterator[Tensor]:
    total, done = len(calibration.order), 0
    for batch in batches(gan, calibration.images.images, calibration.order, calibration.batch_size):
        yield batch
        done += len(batch)
        progress(done, total, "recomputing batch-norm statistics")


def _narrowed(
    rows: Iterable[np.ndarray], dtype: DType, layers: Sequence[str], columns: Sequence[slice]
) -> Iterator[np.ndarray]:
    """Blocks of rows in that type; BadInputError names the layer whose values are beyond its range."""
    import numpy as np

    largest = float(np.finfo(dtype).max)
    for block in rows:
        for layer, own in zip(layers, columns, strict=True):
            if dtype != "float32" and (extreme := float(np.abs(block[:, own]).max(initial=0))) > largest:
                name = one_line(layer, 40)
                raise BadInputError(f"layer {name} reaches {extreme:.3g}, beyond {dtype}'s {largest:.5g}: use float32")
        yield block.astype(dtype, copy=False)
