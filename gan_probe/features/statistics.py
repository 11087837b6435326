"""Batch-norm statistics recomputed on given images, as the authors' release infers them."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError
from gan_probe.gan import Moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from gan_probe.gan import Net

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
            mean, variance = found.mean.cpu().double(), found.variance.cpu().double()
            if name in sums:
                mean, variance = sums[name].mean + mean, sums[name].variance + variance
            sums[name] = Moments(mean, variance)
        count += 1
    if count == 0:
        raise BadInputError("no images to recompute the batch-norm statistics on")
    return {name: Moments((s.mean / count).float(), (s.variance / count).float()) for name, s in sums.items()}


def digest_of(statistics: dict[str, Moments] | None) -> str:
    """SHA-256 over all means and variances."""
    found = hashlib.sha256()
    for name, moments in sorted((statistics or {}).items()):
        found.update(name.encode())
        for values in (moments.mean, moments.variance):
            found.update(values.detach().cpu().float().numpy().tobytes())
    return found.hexdigest()


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
