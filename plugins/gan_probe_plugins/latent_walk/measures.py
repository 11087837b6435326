"""What of a walk is compared between checkpoints: each leg's evenness, and the path length of each pair of latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Measure
from gan_probe.measures.paths import half_share
from gan_probe.sampling import sample_units

if TYPE_CHECKING:
    from gan_probe import Context
    from gan_probe_plugins.latent_walk.walks import Walk


def measures(walk: Walk, ctx: Context) -> list[Measure]:
    """Checkpoints are paired by their latents: the same walk, and the same pairs, through each."""
    units, main, card = sample_units(walk.gan, ctx), walk.main, walk.gan.card
    shares = np.array([half_share(leg) for leg in main.steps["pixels"]])
    legs = np.flatnonzero(np.isfinite(shares))
    found = []
    if len(legs):
        still = "" if len(legs) == len(shares) else f", legs {legs.tolist()}"
        title = "Share of a leg in which half of its change happens"
        found.append(Measure("half", shares[legs], title, "leg", f"{units}{still}", format=".1%"))
    for space, lengths in main.of_pairs.items():
        kind = "pixels" if space == "pixels" else "features"
        where = f"{space} ({card.image_size}x{card.image_size}x{card.channels})" if space == "pixels" else space
        found.append(
            Measure(f"path-length-{kind}", lengths, f"Path length in {where}", "pair of latents", units, format=".3g")
        )
    return found
