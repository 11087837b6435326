"""Layers' activations, max-pooled to a grid and laid side by side: the features of the paper's section 5.1."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line
from gan_probe.features.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN, Net

    Progress = Callable[[int, int, str], None]  # (done, total, what)

CPU_BATCH = 32  # images whose maps stay in a processor's cache: a fifth faster than 128 at 32x32 pixels and 128 maps


def batches(gan: GAN, images: np.ndarray, order: np.ndarray, size: int) -> Iterator[Tensor]:
    """The images (N, H, W, C) uint8 in the given order, `size` at a time, as the GAN's networks take them."""
    for start in range(0, len(order), size):
        yield _input(gan, images[order[start : start + size]])


def pooled(
    gan: GAN,
    net: Net,
    images: np.ndarray,
    layers: Sequence[str],
    *,
    grid: int = 4,
    batch_size: int = 128,
    progress: Progress | None = None,
) -> tuple[np.ndarray, list[slice]]:
    """The named layers' activations of uint8 images (N, H, W, C), max-pooled to a grid, flattened, side by side.

    Returns features (N, F) float32 and the columns of each layer; `pooled_rows` says what holds for them. Raises
    BadInputError also where they do not fit into memory.
    """
    columns = columns_of(gan, net, images, layers, grid)
    rows = pooled_rows(gan, net, images, layers, grid=grid, batch_size=batch_size, progress=progress)
    return in_memory(rows, (len(images), columns[-1].stop)), columns


def in_memory(rows: Iterator[np.ndarray], shape: tuple[int, int], dtype: str = "float32") -> np.ndarray:
    """Blocks of rows (n, F), one below the other, as one array; BadInputError where it does not fit into memory."""
    import numpy as np

    from gan_probe.data.memory import check_memory

    check_memory(shape[0] * shape[1] * np.dtype(dtype).itemsize, f"an array of {shape[0]:,} x {shape[1]:,} features")
    features = np.empty(shape, dtype)
    done = 0
    for block in rows:
        features[done : done + len(block)] = block
        done += len(block)
    return features


def columns_of(gan: GAN, net: Net, images: np.ndarray, layers: Sequence[str], grid: int) -> list[slice]:
    """The columns that each layer has among the features of uint8 images (N, H, W, C); one image is looked at."""
    import torch

    if len(images) == 0 or not layers:
        raise BadInputError(f"no {'layers' if len(images) else 'images'} to extract features from")
    with torch.inference_mode():
        found = net.activations(_input(gan, images[:1]), layers)
        widths = [_pool(found[layer], grid).shape[1] for layer in layers]
    return [slice(a, b) for a, b in itertools.pairwise([0, *itertools.accumulate(widths)])]


def pooled_rows(
    gan: GAN,
    net: Net,
    images: np.ndarray,
    layers: Sequence[str],
    *,
    grid: int = 4,
    batch_size: int = 128,
    progress: Progress | None = None,
) -> Iterator[np.ndarray]:
    """Features of uint8 images (N, H, W, C) in order, block by block (n, F) float32; few blocks are held at a time.

    A map smaller than the grid keeps its size. `batch_size` has no influence beyond float32 rounding; on a CPU at most
    32 images are taken at a time, each block of them by one thread, so that the number of threads has none at all (a
    network that is not `gan_probe.network.Network` runs as it does).
    Raises BadInputError for a network that normalises by its batch, and for activations that are not finite. Source:
    the paper, section 5.1.
    """
    import torch

    from gan_probe.network import Network

    if net.statistics is None:
        raise BadInputError("this network normalises by its batch: recompute its batch-norm statistics first")
    size = min(batch_size, CPU_BATCH) if gan.device.type == "cpu" else batch_size
    # onnxruntime has threads of its own, a GPU is kept busy by one, and a stranger's module may not bear several
    threads = torch.get_num_threads() if gan.device.type == "cpu" and isinstance(net, Network) else 1
    starts = range(0, len(images), size)
    done = 0
    with _channels_last(net):
        for block in ordered_map(lambda i: _block(gan, net, images[i : i + size], layers, grid), starts, threads):
            yield block
            done += len(block)
            if progress is not None:
                progress(done, len(images), "extracting features")


def _block(gan: GAN, net: Net, images: np.ndarray, layers: Sequence[str], grid: int) -> np.ndarray:
    import torch

    with torch.inference_mode():
        found = net.activations(_input(gan, images), layers)
        blocks = [_pool(found[layer], grid) for layer in layers]  # (n, C * grid * grid)
        features = torch.cat(blocks, dim=1)
        if not features.sum().isfinite():  # one look at each value, where a test of each would take five
            for layer, block in zip(layers, blocks, strict=True):
                if not block.isfinite().all():
                    name = one_line(layer, 40)
                    raise BadInputError(f"layer {name} gives values that are not finite: the weights are damaged")
        array: np.ndarray = features.cpu().numpy()
    return array


def _input(gan: GAN, images: np.ndarray) -> Tensor:
    """Images (n, H, W, C) uint8 as the networks take them, in the layout that convolutions are fastest in."""
    import torch

    return gan.from_uint8(images).to(gan.device, memory_format=torch.channels_last)


def _pool(maps: Tensor, grid: int) -> Tensor:
    """Maps (n, C, H, W) max-pooled to at most grid x grid, or values (n, F), as rows (n, F)."""
    from torch.nn.functional import adaptive_max_pool2d, max_pool2d

    if maps.dim() == 4:
        sides = list(maps.shape[2:])
        if any(side % grid for side in sides):
            maps = adaptive_max_pool2d(maps, [min(grid, side) for side in sides])
        elif sides != [grid, grid]:
            maps = max_pool2d(maps, [side // grid for side in sides])
    return maps.flatten(1)


@contextmanager
def _channels_last(net: Net) -> Iterator[None]:
    """Kernels in the layout that convolutions are fastest in, half as fast again on a CPU; put back at the end."""
    import torch

    kernels = [p for p in net.parameters() if p.dim() == 4] if isinstance(net, torch.nn.Module) else []
    kept = [kernel.data for kernel in kernels]
    for kernel in kernels:
        kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for kernel, data in zip(kernels, kept, strict=True):
            kernel.data = data
