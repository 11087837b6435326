"""Precision, recall, density and coverage: how two sets lie in each other's k-nearest-neighbour balls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe.measures.intervals import Estimate, proportion, t_mean

if TYPE_CHECKING:
    from gan_probe.measures.pairs import Between


@dataclass(frozen=True)
class Manifold:
    """Each ball reaches from a sample to its k-th nearest neighbour in its own set.

    `precision` is the share of fakes in any real ball, `recall` that of reals in any fake ball (Kynkäänniemi et al.
    2019), `density` the mean number of real balls around a fake, divided by k, `coverage` the share of real balls that
    hold a fake (Naeem et al. 2020). Intervals take the set that gives the balls as it is.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def manifold(between: Between, k: int) -> Manifold:
    """The four measures of a set, counted from the balls that `between` was given, of k neighbours each."""
    reals, fakes = len(between.reached), len(between.balls)
    mean, low, high = t_mean(between.balls / k)
    return Manifold(
        proportion(int((between.balls > 0).sum()), fakes),
        proportion(int(between.reached.sum()), reals),
        Estimate(mean, max(0.0, low), high, "Student's t"),
        proportion(int(between.covered.sum()), reals),
    )
