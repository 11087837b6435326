"""Samples that the analyses of a run share: one stream of latents, each drawn once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    import numpy as np
    from torch import Tensor

    from gan_probe.analysis import Context
    from gan_probe.gan import GAN, Net


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples: latents `z` (N, Z) float32, `labels` (N,) int64 or None, and what G makes of them.

    `images` are (N, C, H, W) float32 on the CPU in the card's value range.
    """

    z: Tensor
    labels: Tensor | None
    images: Tensor
    to_uint8: Callable[[Tensor], np.ndarray]

    @cached_property
    def pixels(self) -> np.ndarray:
        """The images as (N, H, W, C) uint8."""
        return self.to_uint8(self.images)

    def __len__(self) -> int:
        return len(self.z)


def shared_samples(gan: GAN, n: int, ctx: Context) -> Samples:
    """The first n samples of the run's stream; G runs only for those that no analysis has asked for yet.

    A longer request begins with the shorter one's samples, and the batch size is without influence. Conditional
    generators show every class equally often, in turn. A generator that has been changed meanwhile is another one.
    Raises UsageError without a generator, BadInputError for more than memory holds.
    """
    import torch

    from gan_probe.data.memory import check_memory
    from gan_probe.errors import UsageError

    if gan.generator is None:
        raise UsageError(f"{gan.card.name} has no generator: it cannot sample")
    check_memory(
        4 * n * gan.card.channels * gan.card.image_size**2,
        f"{n:,} samples of {gan.card.image_size}x{gan.card.image_size} pixels",
    )
    state = _state(gan.generator)
    key = ("samples", state, ctx.seed, gan.card.z_distribution, gan.card.value_range)
    drawn: Samples | None = None if state is None else ctx.shared.get(key)
    have = 0 if drawn is None else len(drawn)
    if have < n:
        z = gan.latent(n, ctx.rng("samples/z"))  # begins with the latents of a shorter request
        labels = torch.arange(n) % len(gan.card.classes) if gan.card.classes else None
        parts = [] if drawn is None else [drawn.images]
        for start in range(have, n, ctx.batch_size):
            part = slice(start, min(start + ctx.batch_size, n))
            parts.append(gan.sample(z[part], None if labels is None else labels[part], ctx.batch_size))
            ctx.progress(part.stop - have, n - have, "sampling")
        drawn = Samples(z, labels, torch.cat(parts), gan.to_uint8)
        if state is not None:
            ctx.shared[key] = drawn
    assert drawn is not None  # noqa: S101  # drawn just now, or before
    # copies: what one analysis does to its samples, the next one must not see
    labels = None if drawn.labels is None else drawn.labels[:n].clone()
    return Samples(drawn.z[:n].clone(), labels, drawn.images[:n].clone(), gan.to_uint8)


def sample_units(gan: GAN, ctx: Context) -> str:
    """Which latents a run's samples are of, for `Measure.units`: equal for generators that are given the same ones."""
    card = gan.card
    labels = f", {len(card.classes)} classes in turn" if card.classes else ""
    return f"latents of seed {ctx.seed}: {card.z_size} numbers, {card.z_distribution}{labels}"


def forget_samples(shared: dict[Hashable, Any]) -> None:
    """Let go of the samples of a run that has ended."""
    for key in [key for key in shared if isinstance(key, tuple) and key[:1] == ("samples",)]:
        del shared[key]


def _state(net: Net) -> str | None:
    """What a generator is at this moment, by class, weights and statistics; None where hooks may change its output."""
    import torch

    found = hashlib.sha256(f"{type(net).__qualname__} {id(net)}".encode())
    if isinstance(net, torch.nn.Module):
        if any(m._forward_hooks or m._forward_pre_hooks for m in net.modules()):
            return None
        for name, value in net.state_dict().items():
            found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            found.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
