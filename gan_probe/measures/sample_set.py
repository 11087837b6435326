"""All measures of samples against real images, from one look at each pair, and real against real beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.duplicates import duplicate_rate, threshold
from gan_probe.measures.frechet import Gaussian, frechet_distance
from gan_probe.measures.kernel import kernel_distance
from gan_probe.measures.manifold import manifold
from gan_probe.measures.pairs import between, within
from gan_probe.measures.rows import Rows

if TYPE_CHECKING:
    from gan_probe.measures.intervals import Estimate


@dataclass(frozen=True)
class Measures:
    """Of `n` samples against `n_real` real ones, in one feature space.

    `distance` and `median_distance` are those of two of the samples, as multiples of two real ones' (None where real
    ones do not differ): below 1 the samples are more alike. `fid` is biased by the number of samples: compare it with
    the reference's alone. `balls` (n,) counts the real balls that each sample lies in, `covered`
    (n_real,) says whether a real one's ball holds any sample.
    """

    n: int
    n_real: int
    k: int
    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    duplicates: Estimate
    distance: float | None
    median_distance: float | None
    fid: Estimate
    kid: Estimate
    balls: np.ndarray = field(compare=False, repr=False)
    covered: np.ndarray = field(compare=False, repr=False)


@dataclass(frozen=True)
class SampleSet:
    """The samples' measures and, as `reference`, those of as many held-out real samples in their place."""

    samples: Measures
    reference: Measures | None


class RealSet:
    """Real features (N, F), looked at once, that any number of sample sets are measured against."""

    def __init__(self, features: np.ndarray, k: int = 5) -> None:
        self.k = k
        self._rows = Rows(features)
        self._within = within(self._rows, k)

    def measure(self, features: np.ndarray) -> Measures:
        """The measures of samples (M, F); BadInputError for too few, or for those of another space.

        Duplicates are looked for among as many samples as there are real ones to set the threshold by: where the sets
        differ in size, among rows spread evenly over the larger.
        """
        real, fake = self._rows, Rows(features, self._rows.centre)
        inside = within(fake, self.k)
        pairs = between(real, fake, self._within.nearest[:, -1], inside.nearest[:, -1])
        counted = manifold(pairs, self.k)
        same = min(len(real), len(fake))
        mine = inside if same == len(fake) else within(fake.spread(same), 1)
        theirs = self._within if same == len(real) else within(real.spread(same), 1)
        return Measures(
            n=len(fake),
            n_real=len(real),
            k=self.k,
            precision=counted.precision,
            recall=counted.recall,
            density=counted.density,
            coverage=counted.coverage,
            duplicates=duplicate_rate(mine.nearest[:, 0], threshold(theirs.nearest[:, 0])),
            distance=_ratio(inside.mean, self._within.mean),
            median_distance=_ratio(inside.median, self._within.median),
            fid=frechet_distance(self._gaussian, Gaussian.of(fake)),
            kid=kernel_distance(self._within, inside, pairs),
            balls=pairs.balls,
            covered=pairs.covered,
        )

    @cached_property
    def _gaussian(self) -> Gaussian:
        return Gaussian.of(self._rows)


def sample_set(real: np.ndarray, fake: np.ndarray, held_out: np.ndarray | None = None, k: int = 5) -> SampleSet:
    """Measure samples (M, F) against real features (N, F), and as many of the held-out real ones in their place.

    Raises BadInputError for fewer held-out than samples, for no more than `k` of any, for features that are not finite
    or lie in different spaces.
    """
    if held_out is not None and len(held_out) < len(fake):
        raise BadInputError(f"{len(held_out)} held-out images cannot stand beside {len(fake)} samples: pass as many")
    known = RealSet(real, k)
    if held_out is None:
        return SampleSet(known.measure(fake), None)
    chosen = np.linspace(0, len(held_out) - 1, len(fake)).round().astype(np.int64)
    return SampleSet(known.measure(fake), known.measure(held_out[chosen]))


def _ratio(value: float, real: float) -> float | None:
    return value / real if real > 0 else None
