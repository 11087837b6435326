"""A path, drawn and measured: its steps in pixels and in a feature space, its smoothness, its perceptual length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.measures.intervals import Estimate, t_mean
from gan_probe.measures.paths import Places, Smoothness, distances, refine, smoothness, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe import Context
    from gan_probe.feature_space import FeatureSpace

STEPS = 24  # of a leg
HALVINGS = 4  # of the largest steps: to 1/384 of a leg
STILL = 1.0  # grey levels: a walk whose frames are all nearer to their mean stands still


@dataclass(frozen=True)
class Path:
    """A walk or a control: frames (L, K + 1, H, W, C) in grey levels 0..255, and what was measured on them.

    `steps` holds the distances (L, K), and `length` the perceptual path length, by feature space; `of_pairs` is that
    of each pair (P,). `places`, `smoothness` and `length` are missing where there is nothing between the frames.
    """

    name: str
    frames: np.ndarray
    steps: dict[str, np.ndarray]
    places: Places | None = None
    smoothness: Smoothness | None = None
    length: dict[str, Estimate] = field(default_factory=dict)
    of_pairs: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def still(self) -> bool:
        """Whether all frames are one image, to a grey level."""
        frames = self.frames.reshape(-1, self.frames[0, 0].size)
        return bool(distances(frames, frames.mean(axis=0, keepdims=True)).max() < STILL)


@dataclass(frozen=True)
class Measuring:
    """How paths of so many legs are measured, all in the same way."""

    legs: int
    pairs: int
    space: FeatureSpace | None
    ctx: Context

    def path(self, name: str, draw: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Path:
        """Measure what `draw` gives between ends: `draw(first, last, at)`, (N,) each, are frames (N, H, W, C)."""

        def along(leg: np.ndarray, at: np.ndarray) -> np.ndarray:
            return draw(leg, leg + 1, at)

        leg, at = np.repeat(np.arange(self.legs), STEPS + 1), np.tile(np.arange(STEPS + 1) / STEPS, self.legs)
        frames = _in_legs(along(leg, at))
        steps = self._steps(frames)
        places = refine(along, frames, steps["pixels"], HALVINGS)
        judged = smoothness(steps["pixels"], places, self.ctx.rng(f"latent-walk/bootstrap of {name}"))
        of_pairs = self._lengths(draw)
        length = {space: Estimate(*t_mean(each), "Student's t over pairs") for space, each in of_pairs.items()}
        return Path(name, frames, steps, places, judged, length, of_pairs)

    def shuffled(self, name: str, path: Path) -> Path:
        """The same frames in random order: what steps between unrelated frames are like."""
        rows = path.frames.reshape(-1, *path.frames.shape[2:])
        frames = _in_legs(self.ctx.rng("latent-walk/shuffle").permutation(rows))
        return Path(name, frames, self._steps(frames))

    def _lengths(self, draw: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        """Squared distances over the squared step (Karras et al. 2019, section 4.1)."""
        first = np.arange(self.pairs)
        at = self.ctx.rng("latent-walk/places").uniform(0, 1 - 1 / STEPS, self.pairs)  # the same on every path
        before, after = (draw(first, first + self.pairs, place) for place in (at, at + 1 / STEPS))
        found = {"pixels": distances(before, after) / 255}
        if self.space is not None:
            found[self.space.name] = distances(*np.split(self._features(np.concatenate([before, after])), 2))
        return {name: np.square(each * STEPS) for name, each in found.items()}

    def _steps(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        found = {"pixels": steps_of(frames)}
        if self.space is not None:
            features = self._features(frames.reshape(-1, *frames.shape[2:]))
            found[self.space.name] = steps_of(_in_legs(features))
        return found

    def _features(self, frames: np.ndarray) -> np.ndarray:
        assert self.space is not None  # noqa: S101  # asked by the callers
        # a memory gives few images again and again: each is looked at once
        images, which = np.unique(np.rint(frames).astype(np.uint8), axis=0, return_inverse=True)
        features: np.ndarray = self.space(images, self.ctx.progress)[which]
        return features


def _in_legs(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, STEPS + 1, *rows.shape[1:])
