"""Layer features: extraction with pooling, and batch-norm statistics recomputed as the authors' release infers them."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError
from gan_probe.gan import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN, Net

    Batch = Tensor | tuple[Tensor, Tensor | None]  # inputs, or inputs and the labels of a conditional network


def recalibrate(net: Net, batches: Iterable[Batch]) -> dict[str, Moments]:
    """The unweighted mean over batches of each batch norm's per-batch mean and biased variance.

    A batch shorter than the first, such as the last one, is dropped: its variance is noisier. The network itself is
    not changed. Raises BadInputError where there is no batch. Source: the release's SVHN analysis.
    """
    sums: dict[str, Moments] = {}
    count = size = 0
    for batch in batches:
        x, labels = batch if isinstance(batch, tuple) else (batch, None)
        size = size or len(x)
        if len(x) == 0 or len(x) < size:
            continue
        for name, found in net.moments(x, labels).items():
            mean, variance = found.mean.double().cpu(), found.variance.double().cpu()
            if name in sums:
                mean, variance = sums[name].mean + mean, sums[name].variance + variance
            sums[name] = Moments(mean, variance)
        count += 1
    if count == 0:
        raise BadInputError("no images to recompute the batch-norm statistics on")
    return {name: Moments((s.mean / count).float(), (s.variance / count).float()) for name, s in sums.items()}


@contextmanager
def recalibrated(net: Net, batches: Iterable[Batch]) -> Iterator[dict[str, Moments]]:
    """Within the block, `net` normalises by statistics recomputed on `batches`; the old ones come back behind it."""
    statistics = recalibrate(net, batches)
    kept = net.statistics
    net.statistics = statistics
    try:
        yield statistics
    finally:
        net.statistics = kept


def batches(gan: GAN, images: np.ndarray, order: np.ndarray, size: int) -> Iterator[Tensor]:
    """The images (N, H, W, C) uint8 in the given order, `size` at a time, as the GAN's networks take them."""
    for start in range(0, len(order), size):
        yield gan.from_uint8(images[order[start : start + size]]).to(gan.device)


def pooled(
    gan: GAN,
    net: Net,
    images: np.ndarray,
    layers: Sequence[str],
    *,
    grid: int = 4,
    batch_size: int = 128,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[np.ndarray, list[slice]]:
    """The named layers' activations of uint8 images (N, H, W, C), max-pooled to a grid, flattened, side by side.

    Returns features (N, F) float32 and the columns of each layer. A map smaller than the grid keeps its size. The
    result does not depend on `batch_size` beyond float32 rounding. Source: the paper, section 5.1.
    """
    import numpy as np
    from torch.nn.functional import adaptive_max_pool2d

    features: np.ndarray | None = None
    columns: list[slice] = []
    done = 0
    for x in batches(gan, images, np.arange(len(images)), batch_size):
        found = net.activations(x, layers)
        blocks = []
        for layer in layers:
            maps = found[layer]
            if maps.dim() == 4:
                maps = adaptive_max_pool2d(maps, [min(grid, side) for side in maps.shape[2:]])
            blocks.append(maps.flatten(1))  # (n, C * grid * grid)
        if features is None:
            edges = np.cumsum([0, *(block.shape[1] for block in blocks)])
            columns = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
            features = np.empty((len(images), int(edges[-1])), np.float32)
        for column, block in zip(columns, blocks, strict=True):
            features[done : done + len(x), column] = block.cpu().numpy()
        done += len(x)
        if progress is not None:
            progress(done, len(images), "extracting features")
    if features is None:
        raise BadInputError("no images to extract features from")
    return features, columns
