"""The walk and its controls, each measured in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe import BadInputError
from gan_probe.feature_space import open_space
from gan_probe.measures.intervals import Estimate, t_mean
from gan_probe.measures.paths import Places, Smoothness, distances, interpolate, refine, smoothness, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gan_probe import GAN, Context
    from gan_probe.feature_space import FeatureSpace
    from gan_probe_plugins.latent_walk import LatentWalkOptions

STEPS = 24  # of a leg
HALVINGS = 4  # of the largest steps: to 1/384 of a leg
MEMORISED = 50  # images that the control has learnt by heart
STILL = 1.0  # grey levels: a walk that never leaves its mean image by more stands still
WALK, FADED, LOOKED_UP, SHUFFLED = "the walk", "cross-fades", "lookup", "shuffled frames"
Draw = Callable[[np.ndarray, np.ndarray], np.ndarray] if TYPE_CHECKING else None


@dataclass(frozen=True)
class Path:
    """A walk or a control: frames (L, K + 1, H, W, C) in grey levels 0..255, and what was measured on them.

    `steps` holds the distances (L, K) by feature space. `places` and `smoothness` are None where no step can be
    halved; `length` is the perceptual path length by feature space, where it was measured.
    """

    name: str
    frames: np.ndarray
    steps: dict[str, np.ndarray]
    places: Places | None = None
    smoothness: Smoothness | None = None
    length: dict[str, Estimate] = field(default_factory=dict)

    @property
    def still(self) -> bool:
        """Whether all frames are one image, to a grey level."""
        frames = self.frames.reshape(-1, self.frames[0, 0].size)
        return bool(distances(frames, frames.mean(axis=0, keepdims=True)).max() < STILL)


@dataclass(frozen=True)
class Walk:
    """The walk through `ends` (L + 1, Z) and its controls: `paths` in the order in which they are reported."""

    gan: GAN
    ends: Tensor
    spherical: bool
    paths: tuple[Path, ...]
    space: FeatureSpace | None
    real: str  # the name of the data whose images were cross-faded; empty where samples were
    pairs: int
    notes: tuple[str, ...]

    @property
    def main(self) -> Path:
        """The walk itself."""
        return self.paths[0]


def walk(gan: GAN, options: LatentWalkOptions, ctx: Context) -> Walk:
    """Draw and measure the walk and its controls."""
    space, notes = _space(gan, options.feature_space, ctx)
    spherical = gan.card.z_distribution == "normal"
    ended = max(2 * options.pairs, options.points)  # those behind are memorised: no walk begins at one of them
    samples = ctx.samples(gan, ended + MEMORISED)
    ends = samples.z[: options.points]
    own = _levels(gan, samples.images)
    pool, real = own[:ended], ""
    if ctx.data is not None:
        split = ctx.data.train
        drawn = split.take(min(ended, len(split)), ctx.rng("latent-walk/real"))
        pool, real = ctx.images(drawn, gan.card).images.astype(np.float32), ctx.data.name
        if len(pool) < options.points:
            raise BadInputError(f"{real} has {len(pool)} images to cross-fade: lower --points to that, or drop --data")

    classes = len(gan.card.classes)

    def drawn_by(z: Tensor, leg: np.ndarray) -> np.ndarray:
        labels = torch.from_numpy(leg % classes) if classes else None
        return _levels(gan, gan.sample(z, labels, ctx.batch_size))

    def looked_up(z: Tensor, _leg: np.ndarray) -> np.ndarray:
        nearest = torch.cdist(z, samples.z[ended:]).argmin(dim=1).numpy()
        return own[ended:][nearest]

    def along(draw: Callable[[Tensor, np.ndarray], np.ndarray]) -> Draw:
        return lambda leg, at: draw(
            interpolate(ends[leg], ends[leg + 1], torch.from_numpy(at.astype(np.float32)), spherical), leg
        )

    def faded(leg: np.ndarray, at: np.ndarray) -> np.ndarray:
        return _faded(pool[leg], pool[leg + 1], at)

    measured = _Measured(options.points - 1, space, ctx)
    paths = [measured(WALK, along(drawn_by)), measured(FADED, faded), measured(LOOKED_UP, along(looked_up))]
    paths.append(measured.shuffled(paths[0]))

    # perceptual path length: both ends of short steps at random places between random pairs
    first, second = np.arange(options.pairs), np.arange(options.pairs, 2 * options.pairs)
    at = ctx.rng("latent-walk/places").uniform(0, 1 - 1 / STEPS, options.pairs)
    z = [samples.z[: options.pairs], samples.z[options.pairs : 2 * options.pairs]]
    between = [interpolate(*z, torch.from_numpy(t.astype(np.float32)), spherical) for t in (at, at + 1 / STEPS)]
    fading = [_faded(pool[first % len(pool)], pool[second % len(pool)], t) for t in (at, at + 1 / STEPS)]
    for path, ends_of_steps in zip(
        paths,
        ([drawn_by(z, first) for z in between], fading, [looked_up(z, first) for z in between]),
        strict=False,
    ):
        path.length.update(measured.length(*ends_of_steps))
    return Walk(
        gan,
        ends,
        spherical,
        tuple(paths),
        space,
        real,
        options.pairs,
        (*notes, *(space.notes if space else ())),
    )


class _Measured:
    """Draws a path and measures it, in pixels and in the feature space."""

    def __init__(self, legs: int, space: FeatureSpace | None, ctx: Context) -> None:
        self.space, self.ctx = space, ctx
        self.leg = np.repeat(np.arange(legs), STEPS + 1)
        self.at = np.tile(np.arange(STEPS + 1) / STEPS, legs)

    def __call__(self, name: str, draw: Draw) -> Path:
        frames = self._shaped(draw(self.leg, self.at))
        steps = self._steps(frames)
        places = refine(draw, frames, steps["pixels"], HALVINGS)
        judged = smoothness(steps["pixels"], places, self.ctx.rng(f"latent-walk/bootstrap {name}"))
        return Path(name, frames, steps, places, judged)

    def shuffled(self, path: Path) -> Path:
        """The same frames in random order: what steps between unrelated frames of the walk are like."""
        order = self.ctx.rng("latent-walk/shuffle").permutation(len(self.leg))
        frames = self._shaped(path.frames.reshape(-1, *path.frames.shape[2:])[order])
        return Path(SHUFFLED, frames, self._steps(frames))

    def length(self, before: np.ndarray, after: np.ndarray) -> dict[str, Estimate]:
        """Squared distance over the squared length of the step, on average (Karras et al. 2019, section 4.1)."""
        found = {"pixels": distances(before, after) / 255}
        if self.space is not None:
            features = self._features(self.space, np.concatenate([before, after]))
            found[self.space.name] = distances(*np.split(features, 2))
        squares = {name: np.square(each * STEPS) for name, each in found.items()}
        return {name: Estimate(*t_mean(each), "Student's t") for name, each in squares.items()}

    def _steps(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        found = {"pixels": steps_of(frames)}
        if self.space is not None:
            features = self._features(self.space, frames.reshape(-1, *frames.shape[2:]))
            found[self.space.name] = steps_of(self._shaped(features))
        return found

    def _features(self, space: FeatureSpace, frames: np.ndarray) -> np.ndarray:
        # a memory gives few images again and again: each is looked at once
        images, which = np.unique(np.rint(frames).astype(np.uint8), axis=0, return_inverse=True)
        return space(images, self.ctx.progress)[which]

    def _shaped(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1, STEPS + 1, *rows.shape[1:])


def _faded(a: np.ndarray, b: np.ndarray, at: np.ndarray) -> np.ndarray:
    share = at.astype(np.float32)[:, None, None, None]
    return a * (1 - share) + b * share


def _levels(gan: GAN, images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) as (N, H, W, C) float32 in grey levels 0..255, not rounded: halvings go below one of them."""
    low, high = gan.card.value_range
    levels = (images.permute(0, 2, 3, 1).numpy() - np.float32(low)) * np.float32(255 / (high - low))
    return np.clip(levels, 0, 255)


def _space(gan: GAN, spec: str, ctx: Context) -> tuple[FeatureSpace | None, list[str]]:
    """The feature space besides pixels, if any; where the default cannot be had, a note says so."""
    if spec == "pixels":
        return None, []
    card = gan.card
    try:
        return open_space(spec, card.image_size, card.channels, judged=gan, device=str(ctx.device)), []
    except BadInputError as error:
        if spec != "default":
            raise
        return None, [f"Distances are in pixels alone: {error}."]
