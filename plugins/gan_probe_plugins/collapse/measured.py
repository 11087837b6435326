"""All that is measured of the samples, and of the held-out images in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.measures.bins import Clusters, Comparison, compare_bins
from gan_probe.measures.birthday import Support, closest_pairs, support_of
from gan_probe.measures.duplicates import threshold
from gan_probe.measures.pairs import within
from gan_probe.measures.rows import Rows
from gan_probe.measures.sample_set import Measures, RealSet
from gan_probe.measures.vendi import vendi_score

if TYPE_CHECKING:
    import numpy as np

    from gan_probe import Context
    from gan_probe.measures.intervals import Estimate
    from gan_probe_plugins.collapse.sets import Sets

IN_A_BIN = 20  # real images, on average
MOST_BINS = 100  # as in the paper
PAIRS = 8  # of closest samples that are shown


@dataclass(frozen=True)
class Side:
    """Of the samples, or of the held-out images in their place; `pairs` are the closest of `n`."""

    support: Support
    measures: Measures
    vendi: Estimate
    bins: Comparison
    pairs: list[tuple[int, int]]


@dataclass(frozen=True)
class Measured:
    """Both sides, the distance up to which two images are the same one, and the bin of each real image."""

    samples: Side
    held: Side
    limit: float
    real_bins: np.ndarray


def measured(sets: Sets, most: int, ctx: Context) -> Measured:
    """Measure both; `most` samples are looked through for duplicates at most, and all held-out images."""
    known = RealSet(sets.real)
    limit = threshold(within(Rows(sets.real), 1).nearest[:, 0])
    k = max(2, min(MOST_BINS, sets.n // IN_A_BIN))
    clusters = Clusters(sets.real, k, ctx.rng("collapse/bins"))

    def side(features: np.ndarray, support: Support) -> Side:
        return Side(
            support,
            known.measure(features),
            vendi_score(features),
            compare_bins(clusters.count(sets.real), clusters.count(features)),
            closest_pairs(Rows(features), PAIRS),
        )

    return Measured(
        side(sets.samples, support_of(sets.stream.features, limit, most)),
        side(sets.held, support_of(lambda n: sets.held[:n], limit, sets.n)),
        limit,
        clusters.of(sets.real),
    )
