"""What was written, read back and compared with what it was written from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.gan import GAN

TOLERANCE = 1e-4
PROBES = 8


def compare(gan: GAN, path: Path) -> None:
    """Raise OutputError unless the checkpoint at `path` gives the images and scores of `gan` within 1e-4.

    Scores are compared in the unit of their largest where that is above 1. A discriminator that normalises by batch
    is compared by its images' size alone: what is written of it has statistics.
    """
    import numpy as np
    import torch

    from gan_probe.checkpoints import LoadRequest, load_builtin

    card = gan.card
    back = load_builtin(LoadRequest(path))
    rng = np.random.default_rng(0)
    labels = torch.arange(PROBES) % len(card.classes) if card.classes else None
    size = (PROBES, card.channels, card.image_size, card.image_size)
    images = torch.from_numpy(rng.uniform(*card.value_range, size).astype(np.float32))
    pairs = []
    if gan.generator is not None:
        z = gan.latent(PROBES, rng)
        pairs.append(("images", gan.sample(z, labels), back.sample(z, labels)))
    for net, other in ((gan.discriminator, back.discriminator),):
        if net is not None and net.statistics is not None and other is not None:
            with torch.no_grad():
                pairs.append(("scores", net(images.to(gan.device), labels).cpu(), other(images, labels)))
    for what, ours, theirs in pairs:
        worst = float((ours - theirs).abs().max() / ours.abs().max().clamp(min=1))
        if not worst <= TOLERANCE:
            raise OutputError(f"{path.name} gives other {what}, by {worst:.2g}: do not use it, and report this")
