"""Paths through a latent space, and whether what a generator makes of them changes smoothly or in leaps.

A path has legs of equal steps. Two scale-free statistics tell a leap from a smooth change, without a reference. Half
the change of a smooth leg takes about half of the leg; half that of a leg that leaps takes next to nothing of it. And
halving a step halves a smooth change, but not a leap: `refine` halves the largest steps again and again, and follows
the half that changes more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.bootstrap import bootstrap_mean
from gan_probe.measures.intervals import Estimate, none_in, t_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# Thirteen DCGANs trained on a thousand images or more (the zoo's, and five of others), 20 walks of 8 legs each: half of
# the change took 0.26 of a leg or more, and no place went more than 7.3 times as fast as its walk.
HALF = 0.25
SHARP = 10.0
LOOKED_INTO = 2.0  # times the mean step: smaller steps cannot hide a leap that counts
BLOCK = 1 << 22  # numbers subtracted at once


def interpolate(a: Tensor, b: Tensor, t: Tensor, spherical: bool) -> Tensor:
    """The latents at shares `t` (N,) of the ways from `a` to `b`, each (N, Z): (N, Z).

    Straight, or along great circles, which keep a normal latent as long as those trained on (White 2016); the length
    changes evenly. Opposite latents share no one great circle: they are joined by the straight line.
    """
    import torch

    t = t[:, None]
    straight = torch.lerp(a, b, t)
    if not spherical:
        return straight
    long, wide = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    angle = torch.arccos(((a * b).sum(1, keepdim=True) / (long * wide)).clamp(-1, 1))
    arc = (torch.sin((1 - t) * angle) * a / long + torch.sin(t * angle) * b / wide) / torch.sin(angle)
    return torch.where(torch.sin(angle) > 1e-3, arc * torch.lerp(long, wide, t), straight)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Root mean square differences (N,) float64 between the rows of two arrays (N, ...)."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    rows = max(1, BLOCK // max(1, a.shape[1]))
    parts = [slice(i, i + rows) for i in range(0, len(a), rows)]
    squares = [np.square(a[part] - b[part]).mean(axis=1, dtype=np.float64) for part in parts]
    return np.sqrt(np.concatenate(squares)) if squares else np.empty(0)


def steps_of(frames: np.ndarray) -> np.ndarray:
    """The `distances` (L, K) between neighbouring frames (L, K + 1, ...)."""
    legs, count = len(frames), frames.shape[1] - 1
    before, after = (part.reshape(legs * count, -1) for part in (frames[:, :-1], frames[:, 1:]))
    return distances(before, after).reshape(legs, count)


def half_share(steps: np.ndarray) -> float:
    """The least share of a leg in which half of its change can happen: 0.5 where it is even, towards 0 where it leaps.

    `steps` (K,) are distances; NaN where nothing changes.
    """
    ordered = np.sort(steps)[::-1]
    if ordered.sum() == 0:
        return float("nan")
    reached = np.concatenate([[0.0], np.cumsum(ordered) / ordered.sum()])
    return float(np.interp(0.5, reached, np.arange(len(reached)))) / len(ordered)


@dataclass(frozen=True)
class Places:
    """The steps that were looked into, (P,) each: leg, step, and `at`, where in the leg its fastest part lies (0..1).

    `change` is the whole step's distance, `left` that of the part left after the halvings, and `speed` that part's
    over what the path changes on average in the same time: 1 everywhere on an even path.
    """

    leg: np.ndarray
    step: np.ndarray
    at: np.ndarray
    change: np.ndarray
    left: np.ndarray
    speed: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """Share (P,) of the step's change that is left: 1 for a leap; evenly, 0.5 to the power of the halvings."""
        kept: np.ndarray = np.divide(self.left, self.change, out=np.zeros_like(self.left), where=self.change > 0)
        return kept

    @property
    def sharp(self) -> np.ndarray:
        """Whether (P,) each is a sharp transition: `SHARP` times as fast as the path, or faster."""
        sharp: np.ndarray = self.speed >= SHARP
        return sharp


def refine(
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray], frames: np.ndarray, steps: np.ndarray, halvings: int
) -> Places:
    """Halve the largest step of each leg, and every one of `LOOKED_INTO` times the mean, so often.

    `draw(leg, at)` gives the frames (P, ...) at places `at` (P,), 0..1, of the legs (P,); `frames` (L, K + 1, ...) are
    those of the path, and `steps` (L, K) their distances. Of two halves the one that changes more is followed.
    """
    count, mean = steps.shape[1], float(steps.mean())
    chosen = (steps >= LOOKED_INTO * mean) & (steps > 0)
    chosen[np.arange(len(steps)), steps.argmax(axis=1)] = True
    leg, step = np.nonzero(chosen)
    low, width = step / count, 1 / count
    first, last, left = frames[leg, step], frames[leg, step + 1], steps[leg, step]
    for _ in range(halvings):
        width /= 2
        middle = draw(leg, low + width)
        before, after = distances(first, middle), distances(middle, last)
        later = after > before
        first[later], last[~later] = middle[later], middle[~later]
        low, left = np.where(later, low + width, low), np.maximum(before, after)
    speed = left / (width * mean * count) if mean > 0 else np.zeros_like(left)
    return Places(leg, step, low + width / 2, steps[leg, step], left, speed)


@dataclass(frozen=True)
class Smoothness:
    """How evenly a path changes: `half`, the mean of its legs' `half_share`, and `sharp`, its sharp transitions a leg.

    Their intervals are over legs: Student's for `half`; the percentile bootstrap for `sharp`, whose counts are skewed,
    which of few legs covers less often than it says, 85 to 90 times in 100 of eight legs. `leaps` says that the path is
    not smooth: that half of a leg's change happens in less than `HALF` of it, or that legs have sharp transitions (of
    eight legs about three), by the intervals; `isolated`, that there are some, too few for that. A path of which fewer
    than two legs change has no `half`.
    """

    half: Estimate | None
    sharp: Estimate

    @property
    def leaps(self) -> bool:
        """Whether it is not smooth."""
        return self.sharp.low > 0 or (self.half is not None and self.half.high < HALF)

    @property
    def isolated(self) -> bool:
        """Whether it has sharp transitions, too few to call it anything but smooth."""
        return not self.leaps and self.sharp.value > 0


def smoothness(steps: np.ndarray, places: Places, rng: np.random.Generator) -> Smoothness:
    """Of a path of steps (L, K), of which `places` were looked into; legs that stand still have no half."""
    shares = np.array([half_share(leg) for leg in steps])
    moving = shares[np.isfinite(shares)]
    counts = np.bincount(places.leg[places.sharp], minlength=len(steps)).astype(float)
    # drawn from legs without any, the bootstrap would be sure that there is none
    return Smoothness(over_legs(moving), bootstrap_mean(counts, rng) if counts.any() else none_in(len(steps)))


def over_legs(values: np.ndarray) -> Estimate | None:
    """The mean over legs (L,) of what is never below zero, with Student's interval; None of fewer than two legs."""
    if len(values) < 2:
        return None
    mean, low, high = t_mean(values)
    return Estimate(mean, max(0.0, low), high, "Student's t over legs")
