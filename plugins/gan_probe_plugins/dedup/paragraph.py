"""What a paper would print of how duplicates were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.duplicates.planted import EDITS
from gan_probe_plugins.dedup.methods import RADIUS

if TYPE_CHECKING:
    from gan_probe_plugins.dedup import DedupOptions
    from gan_probe_plugins.dedup.methods import Method, Methods
    from gan_probe_plugins.dedup.world import World


def paragraph(world: World, methods: Methods, method: Method, options: DedupOptions) -> str:
    """Of the search, and of how well it finds what was planted."""
    n = len(world.train.images)
    planted = min(options.planted, n)
    return (
        f"We searched {n:,} training images, at 32x32 pixels, for duplicates: by the binarised code of a 3072-128-3072 "
        f"de-noising autoencoder [@radford2016], trained on {options.steps:,} minibatches; by a 64-bit perceptual "
        f"hash, equal or {RADIUS} bits apart at most; and by overlay, which shifts and mirrors images with like "
        f"Fourier magnitudes onto each other and counts agreements from {methods.search.limit:.3f} on. Of each group "
        f"by the {method.name} the first image was kept. To know what is found, copies of {planted:,} random images, "
        f"edited in {len(EDITS)} ways, were looked for; the control is the same images turned by 180 degrees, which "
        "are copies of none. Intervals are 95 %, Wilson's [@wilson1927]."
    )
