"""Looks at samples of the same latents as training goes on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_probe.report.figures import image_grid
from gan_probe.report.model import Figure, Table
from gan_probe.training.signals import Reference, pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gan_probe.gan import GAN
    from gan_probe.report.model import Cell

SAMPLES = 512
FEWEST = 50  # samples below which variety is not judged
EVERY = 64  # steps between looks in the long run: a look costs less than a step
FRAMES = 60
FRAME_SIDE = 384  # pixels, about


@dataclass(frozen=True)
class Look:
    """The signals after a step."""

    step: int
    signals: dict[str, float]


class Monitor:
    """Called after each step (and, as 0, before the first), looks now and then at samples of the same latents.

    `real` are training images (N, H, W, C) uint8 chosen at random: half as many samples, 512 at most, are measured
    beside them, in a feature space (`features` maps images to (N, F) float32) of the name `space`, by the signals of
    `Reference` and by `measures`. `looks` holds what was measured, `frames` at most 60 pictures (H, W, 3) uint8 by
    step. When it looks depends on the step alone: a training that was stopped and resumed is looked at the same.
    """

    def __init__(
        self,
        real: np.ndarray,
        rng: np.random.Generator,
        *,
        features: Callable[[np.ndarray], np.ndarray] = pixels,
        space: str = "pixels",
        measures: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] | None = None,
    ) -> None:
        self.space = space
        self.samples = min(SAMPLES, len(real) // 2)
        self.reference: Reference | None = None
        if self.samples >= FEWEST:
            self.reference = Reference(features(real[: 2 * self.samples]), rng, measures)
        self.looks: list[Look] = []
        self.frames: dict[int, np.ndarray] = {}
        self._features = features
        self._rng = rng
        self._latents: torch.Tensor | None = None

    def __call__(self, step: int, gan: GAN) -> None:
        """Look, if this is the moment."""
        if due(step):
            self.look(step, gan)

    def look(self, step: int, gan: GAN) -> None:
        """Measure the samples and keep a picture, in place of an earlier look after the same step.

        Samples that are not finite are passed over: `loop.train` ends such a training itself.
        """
        columns = max(1, min(8, FRAME_SIDE // gan.card.image_size))
        n = max(self.samples, columns**2)
        if self._latents is None:
            self._latents = gan.latent(n, self._rng)
        classes = len(gan.card.classes)
        samples = gan.sample(self._latents, torch.arange(n) % classes if classes else None)
        if not bool(samples.isfinite().all()):
            return
        images = gan.to_uint8(samples)
        if self.reference is not None:
            look = Look(step, self.reference.measure(self._features(images[: self.samples])))
            self.looks = [*(earlier for earlier in self.looks if earlier.step < step), look]
        self.frames[step] = image_grid(images[: columns**2], columns)
        if len(self.frames) > FRAMES:
            del self.frames[_superfluous(sorted(self.frames))]

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far; latents and real images are drawn again."""
        looks = [dataclasses.asdict(look) for look in self.looks]
        return {"looks": looks, "frames": {step: torch.from_numpy(frame) for step, frame in self.frames.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.looks = [Look(**look) for look in state["looks"]]
        self.frames = {step: frame.numpy() for step, frame in state["frames"].items()}

    def table(self, at_most: int | None = None) -> Table:
        """The looks as table `signals`, or every so many of them and the last."""
        looks = self.looks if at_most is None else _spaced(self.looks, at_most)
        rows: list[dict[str, Cell]] = [{"step": look.step, **look.signals} for look in looks]
        return Table(
            "signals",
            rows,
            title="Variety of samples",
            caption=f"{self.samples} samples of the same latents, in the space {self.space}. Diversity: mean distance "
            "of two, as a share of that of real images; kinds: effective number of clusters of real images that they "
            "fall into, likewise; duplicates: share with another nearer than only 1% of real images have.",
            formats={name: ".3f" for name in rows[0] if name != "step"} if rows else {},
        )

    def figure(self) -> Figure:
        """The signals by training step beside their bands for real images, as figure `signals`.

        Raises ValueError where there was no look.
        """
        from matplotlib.ticker import MaxNLocator

        from gan_probe.report.figures import FAINT, INK, new_figure

        if self.reference is None or not self.looks:
            raise ValueError("the monitor has not looked yet, or has too few real images")
        names = list(self.looks[0].signals)
        figure = new_figure(6.4, 0.6 + 1.6 * len(names))
        steps = [look.step for look in self.looks]
        panels = figure.subplots(len(names), 1, sharex=True)
        for axes, name in zip(panels, names, strict=True):
            axes.axhspan(*self.reference.band[name], color=FAINT, linewidth=0, label="real images")
            if name in self.reference.collapsed:
                axes.axhline(self.reference.collapsed[name], color=INK, linewidth=0.9, linestyle=":", label="collapse")
            axes.plot(steps, [look.signals[name] for look in self.looks], label="samples", linestyle="-")
            axes.set_ylabel(name)
            axes.yaxis.set_major_locator(MaxNLocator(4))
        last = panels[names.index("kinds")]
        figure.legend(*last.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)
        panels[-1].set_xlabel("step")
        figure.align_ylabels()
        ends = ", ".join(f"{name} {value:.2f}" for name, value in self.looks[-1].signals.items())
        return Figure(
            "signals",
            figure,
            title="Variety of samples over training",
            caption=f"{self.samples} samples of the same latents, in the space {self.space}; grey: the range over "
            "random halves of real images; dotted: the line to collapse.",
            alt=f"Curves that end at {ends}.",
        )


def due(step: int) -> bool:
    """Whether to look after this step: powers of two, four looks between them from 16 on, and every 64 steps."""
    return step % min(EVERY, max(1 << max(step.bit_length() - 1, 0), 1) // (4 if step >= 16 else 1)) == 0


def _superfluous(steps: Sequence[int]) -> int:
    """The step, neither the first nor one of the last two, whose neighbours are closest on a half logarithmic scale."""
    at = np.array(steps, dtype=float)
    scale = np.log1p(at) / np.log1p(at[-1]) + at / at[-1]
    return steps[1 + int(np.argmin(scale[2:-1] - scale[:-3]))]


def _spaced(looks: Sequence[Look], at_most: int) -> list[Look]:
    chosen = np.linspace(0, len(looks) - 1, min(at_most, len(looks))).round().astype(int)
    return [looks[i] for i in chosen]
