"""The networks that are compared, each with its batch norm in order, and what a layer's filters say to images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_probe import BadInputError
from gan_probe.features import batches, pooled, recalibrated
from gan_probe.guided import guided_gradients

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from gan_probe import GAN, Context
    from gan_probe.gan import Layer

BATCH = 128  # images in a batch whose statistics are taken, as in the release
BATCHES = 100  # at most: the standard error of a mean over 12,800 images is 0.9 % of their spread


@dataclass(frozen=True, eq=False)
class Seen:
    """A network, the layer looked into, the images (N, H, W, C), each filter's highest activation on each (N, F)."""

    name: str
    net: Any  # a network that torch runs
    layer: Layer
    images: np.ndarray
    maxima: np.ndarray

    def strongest(self, f: int, n: int, among: np.ndarray | None = None) -> np.ndarray:
        """The n images that excite filter f most, the strongest first; `among` chooses (N,) bool."""
        order = np.argsort(-self.maxima[:, f], kind="stable")
        return order[:n] if among is None else order[among[order]][:n]

    def peaks(self, gan: GAN, which: np.ndarray, filters: np.ndarray, ctx: Context) -> np.ndarray:
        """Rows and columns (M, 2) where filter `filters[m]` is highest on image `which[m]`; 0 in a dense layer."""
        places = np.zeros((len(which), 2), np.int64)
        if self.layer.kind == "dense":
            return places
        unique, back = np.unique(which, return_inverse=True)
        by_image = np.argsort(back, kind="stable")
        done = 0
        for start, batch in enumerate(batches(gan, self.images, unique, ctx.batch_size)):
            with torch.inference_mode():
                maps = self.net.activations(batch, [self.layer.name])[self.layer.name]
                highest = maps.flatten(2).argmax(dim=2).cpu().numpy()  # (n, F)
            stop = int(np.searchsorted(back[by_image], start * ctx.batch_size + len(batch)))
            mine = by_image[done:stop]
            flat = highest[back[mine] - start * ctx.batch_size, filters[mine]]
            places[mine] = np.stack(np.divmod(flat, maps.shape[3]), axis=1)
            done = stop
            ctx.progress(done, len(which), f"finding peaks, {self.name}")
        return places

    def guided(self, gan: GAN, which: np.ndarray, f: int, places: np.ndarray) -> np.ndarray:
        """Guided gradients (M, H, W, C) float32 of filter f at its places (M, 2) on the images `which` (M,)."""
        (batch,) = batches(gan, self.images, which, len(which))
        found = guided_gradients(self.net, batch, self.layer.name, [f] * len(which), places)
        array: np.ndarray = found.permute(0, 2, 3, 1).cpu().numpy()
        return array


def all_seen(
    gan: GAN, layer: Layer, images: np.ndarray, draws: int, stack: ExitStack, ctx: Context, notes: list[str]
) -> list[Seen]:
    """The trained network and twins of random weights; `stack` puts back what is exchanged in the trained one."""
    trained: Any = gan.discriminator
    seen = []
    # data sets are often sorted by class, and a batch of one class has moments of its own
    order = ctx.rng("filters/batch norm").permutation(len(images))[: BATCH * BATCHES]
    for draw in range(draws + 1):
        name = "trained" if draw == 0 else f"random weights {draw}"
        net = trained if draw == 0 else trained.random_twin(ctx.torch_generator(f"filters/{name}"))
        if net is None:
            raise BadInputError("this discriminator has no twin of random weights to compare with: convert it first")
        if net.statistics != {}:
            stack.enter_context(recalibrated(net, batches(gan, images, order, BATCH)))
        maxima, _ = pooled(gan, net, images, [layer.name], grid=1, batch_size=ctx.batch_size, progress=_as(name, ctx))
        seen.append(Seen(name, net, layer, images, maxima))
    if trained.statistics != {}:
        notes.append(
            f"Batch-norm statistics of all networks recomputed on {len(order):,} of these images drawn at random, as "
            f"the authors' release does: the mean over batches of {BATCH}."
        )
    return seen


def _as(name: str, ctx: Context) -> Callable[[int, int, str], None]:
    return lambda done, total, _: ctx.progress(done, total, f"passing all images, {name}")


def chosen_layer(gan: GAN, wanted: str | None) -> Layer:
    """The layer asked for, or the last convolution."""
    assert gan.discriminator is not None  # noqa: S101  # asked by the caller
    layers = gan.discriminator.layers
    if wanted is None:
        convolutions = [layer for layer in layers if layer.kind == "conv"]
        if not convolutions:
            raise BadInputError(
                f"this discriminator has no convolutions; pass --layer, one of: {', '.join(x.name for x in layers)}"
            )
        return convolutions[-1]
    for layer in layers:
        if layer.name == wanted:
            return layer
    raise BadInputError(f"no layer {wanted!r}; the discriminator has: {', '.join(x.name for x in layers)}")
