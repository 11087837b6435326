"""Which latents a generator was trained on, told by the statistics that its batch norms have stored."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from gan_probe.checkpoints.infer.evidence import differences
from gan_probe.checkpoints.infer.generator import latents
from gan_probe.errors import one_line

if TYPE_CHECKING:
    from gan_probe.gan import GAN, Net

LATENTS = 1024
MARGIN = 0.1  # a variance of 1 against one of 1/3 makes ten times that, where norms saw enough batches
KINDS: tuple[Literal["normal", "uniform"], ...] = ("normal", "uniform")


def tell_latents(gan: GAN) -> None:
    """Set the card's z distribution by the generator's norms, and say in `assumed` by how much they tell.

    Warns where they hardly do, or where there are none.
    """
    if gan.generator is None:
        return
    if not gan.generator.statistics:
        best, sure = KINDS[0], False
        why = "the generator stores no batch-norm statistics to tell by"
    else:
        misfits = {kind: _misfit(gan, gan.generator, kind) for kind in KINDS}
        best, other = sorted(KINDS, key=lambda kind: misfits[kind])
        what = f"the norms' statistics differ by {misfits[best]:.2f} from what it makes"
        why = f"{what}, by {misfits[other]:.2f} were it {other}"
        sure = misfits[other] - misfits[best] > MARGIN
    if not sure:
        doubt = f"{gan.card.name[-40:]}: z is taken as {best}: {why}"
        warnings.warn(one_line(f"{doubt}; pin it, --pin z_distribution=normal or uniform", 300), stacklevel=2)
    gan.card = replace(gan.card, z_distribution=best, assumed=(*gan.card.assumed, f"z is {best}: {why}"))


def _misfit(gan: GAN, net: Net, kind: str) -> float:
    """The mean over norms of the median differences of means, in sigma, and of variances."""
    found = net.moments(latents(gan.card.z_size, kind, LATENTS).to(gan.device))
    stored = net.statistics or {}
    pairs = [differences(m.mean, m.variance, stored[name].mean, stored[name].variance) for name, m in found.items()]
    return sum(float(mean.median() + variance.median()) for mean, variance in pairs) / len(pairs)
