"""Looks at samples of the same latents as training goes on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_probe.measures.sample_set import RealSet
from gan_probe.report.figures import image_grid
from gan_probe.report.model import Figure, Table
from gan_probe.training.signals import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.feature_space import FeatureSpace
    from gan_probe.gan import GAN
    from gan_probe.measures.sample_set import Measures
    from gan_probe.report.model import Cell

SAMPLES = 512
FEWEST = 50  # samples below which variety is not judged
EVERY = 256  # steps between looks in the long run: a look takes about as long as a step
HARDLY = 0.1  # of the precision of real images: surely fewer samples are like none
FRAMES = 60
FRAME_SIDE = 384  # pixels, about
MEASURES = ("precision", "recall", "density", "coverage", "fid", "kid")


@dataclass(frozen=True)
class Look:
    """The signals after a step and, at some looks, the measures; `recall` is that of the signals' space."""

    step: int
    signals: dict[str, float]
    measures: dict[str, float] = field(default_factory=dict)
    recall: float | None = None


class Measured:
    """Real images (N, H, W, C) uint8 in a feature space: one half to measure samples against, the other the control."""

    def __init__(self, space: FeatureSpace, real: np.ndarray) -> None:
        features, n = space(real), len(real) // 2
        self.space = space
        self._real = RealSet(features[:n])
        self.held_out = self._real.measure(features[n : 2 * n])

    def __call__(self, images: np.ndarray) -> Measures:
        """The measures of samples (M, H, W, C) uint8."""
        return self._real.measure(self.space(images))


class Monitor:
    """Called after each step (and, as 0, before the first), looks now and then at samples of the same latents.

    `real` are training images (N, H, W, C) uint8 in random order: half as many samples, 512 at most, are looked at
    beside them: the signals of `Reference`, on which the verdict rests, at every look in the feature space `space`; the
    costlier measures after 1, 2, 4, 8, ... steps and at the end, in `measured_in`, which is `space` where none is
    given. `looks` holds what was measured, `frames` at most 60 pictures (H, W, 3) uint8 by step. When it looks depends
    on the step alone: a training that was stopped and resumed is looked at the same.
    """

    def __init__(
        self,
        real: np.ndarray,
        rng: np.random.Generator,
        space: FeatureSpace,
        measured_in: FeatureSpace | None = None,
    ) -> None:
        self.space = space
        self.measured_in = measured_in or space
        self.samples = min(SAMPLES, len(real) // 2)
        self.reference: Reference | None = None
        self._elsewhere: Measured | None = None  # where the measures are those of another space
        if self.samples >= FEWEST:
            real = real[: 2 * self.samples]
            self.reference = Reference(space(real), rng)
            if self.measured_in.name != space.name:
                self._elsewhere = Measured(self.measured_in, real)
        self.notes: tuple[str, ...] = ()
        self.looks: list[Look] = []
        self.frames: dict[int, np.ndarray] = {}
        self._rng = rng
        self._latents: torch.Tensor | None = None

    def __call__(self, step: int, gan: GAN) -> None:
        """Look, if this is the moment."""
        if due(step):
            self.look(step, gan, measure=step & (step - 1) == 0)

    def look(self, step: int, gan: GAN, *, measure: bool = True) -> None:
        """Look at the samples and keep a picture, in place of an earlier look after the same step.

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
            self.looks = [*(earlier for earlier in self.looks if earlier.step < step)]
            self.looks.append(self._seen(step, images[: self.samples], self.reference, measure))
        self.frames[step] = image_grid(images[: columns**2], columns)
        if len(self.frames) > FRAMES:
            del self.frames[_superfluous(sorted(self.frames))]

    def _seen(self, step: int, images: np.ndarray, reference: Reference, measure: bool) -> Look:
        features = self.space(images)
        signals = reference.signals(features)
        if not measure:
            return Look(step, signals)
        here = reference.measures(features)
        measures = self._elsewhere(images) if self._elsewhere else here
        return Look(step, signals, values(measures), here.recall.value)

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far; latents and real images are drawn again."""
        looks = [dataclasses.asdict(look) for look in self.looks]
        frames = {step: torch.from_numpy(frame) for step, frame in self.frames.items()}
        return {"looks": looks, "frames": frames, "measured in": self.measured_in.name, "notes": self.notes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; measures that were taken in another feature space are left out."""
        self.looks = [Look(**look) for look in state["looks"]]
        self.frames = {step: frame.numpy() for step, frame in state["frames"].items()}
        # states of the first versions name no space: they measured in pixels
        self.notes, was = tuple(state.get("notes", ())), state.get("measured in", "pixels")
        if was != self.measured_in.name:
            self.looks = [dataclasses.replace(look, measures={}) for look in self.looks]
            if self.looks:
                until = f"Measures until step {self.looks[-1].step:,} were taken in the space {was}"
                self.notes += (f"{until}, before this training was resumed: left out.",)

    def signal_table(self) -> Table:
        """Every look's signals, as table `signals`."""
        rows: list[dict[str, Cell]] = [{"step": look.step, **look.signals} for look in self.looks]
        return Table("signals", rows, title="Variety of samples")

    def measure_table(self, intervals: bool = False) -> Table:
        """The measures by step as table `measures`, those of held-out real images in the last row."""
        measured = [(f"step {look.step:,}", look.measures) for look in self.looks if look.measures]
        if reference := self._elsewhere or self.reference:
            measured.append(("real images", values(reference.held_out)))
        rows: list[dict[str, Cell]] = [
            {"samples": which, **{name: value for name, value in found.items() if intervals or name in MEASURES}}
            for which, found in measured
        ]
        return Table(
            "measures",
            rows,
            title="Samples against training images",
            caption=f"{self.samples} samples of the same latents against as many training images, in the space "
            f"{self.measured_in.name}; the last row has other training images in their place. Plain grey may have a "
            "high precision: read it beside coverage. FID is biased upwards by so few: compare it with the last row's "
            "alone. The 95% intervals are in artifacts/training-measures.csv.",
            formats=dict.fromkeys(MEASURES, ".3f") | {"fid": ".4g", "kid": ".3g"} if rows else {},
        )

    def astray(self) -> str:
        """That hardly a sample lay among real images when last measured, with the numbers; empty where it is not so."""
        reference = self._elsewhere or self.reference
        measured = [look.measures for look in self.looks if look.measures]
        if reference is None or not measured:
            return ""
        real, last = reference.held_out.precision.value, measured[-1]
        if last["precision_high"] >= HARDLY * real:
            return ""
        numbers = f"precision {last['precision']:.3f}, real images {real:.2f}, in {self.measured_in.name}"
        return f"hardly a sample lies among real images ({numbers})"

    def signal_figure(self) -> Figure:
        """The signals by training step beside their bands for real images, as figure `signals`.

        Raises ValueError where there was no look.
        """
        from matplotlib.ticker import MaxNLocator

        from gan_probe.report.figures import COLUMN, FAINT, INK, new_figure

        if self.reference is None or not self.looks:
            raise ValueError("the monitor has not looked yet, or has too few real images")
        names = list(self.looks[0].signals)
        figure = new_figure(COLUMN, 0.45 + 1.1 * len(names))
        steps = [look.step for look in self.looks]
        panels = dict(zip(names, figure.subplots(len(names), 1, sharex=True), strict=True))
        for name, axes in panels.items():
            axes.axhspan(*self.reference.band[name], color=FAINT, linewidth=0, label="real images")
            if name in self.reference.collapsed:
                axes.axhline(self.reference.collapsed[name], color=INK, linewidth=0.9, linestyle=":", label="collapse")
            axes.plot(steps, [look.signals[name] for look in self.looks], label="samples", linestyle="-")
            axes.set_ylabel(name)
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(4))
        figure.legend(*panels["kinds"].get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)
        panels[names[-1]].set_xlabel("step")
        figure.align_ylabels()
        ends = ", ".join(f"{name} {value:.2f}" for name, value in self.looks[-1].signals.items())
        return Figure(
            "signals",
            figure,
            title="Variety of samples over training",
            caption=f"{self.samples} samples of the same latents, in the space {self.space.name}. Diversity: mean "
            "distance of two, relative to real images. Kinds: effective number of clusters of real images that they "
            "fall into, likewise. Duplicates: share with another nearer than only 1% of real images have. Grey: the "
            "range over random halves of real images, the control; dotted: the line to collapse. One look each, "
            "without intervals.",
            alt=f"Curves that end at {ends}.",
        )


def values(measures: Measures) -> dict[str, float]:
    """The measures by name, each followed by the ends of its 95 % interval, `_low` and `_high`."""
    found = {name: getattr(measures, name) for name in MEASURES}
    ends = {"": "value", "_low": "low", "_high": "high"}
    return {name + end: getattr(found[name], attribute) for name in MEASURES for end, attribute in ends.items()}


def due(step: int) -> bool:
    """Whether to look after this step: powers of two, eight looks between them from 16 on, and every 256 steps."""
    octave = 1 << max(step.bit_length() - 1, 0)
    return step % min(EVERY, octave // 8 if octave >= 16 else octave) == 0


def _superfluous(steps: Sequence[int]) -> int:
    """The step, neither the first nor one of the last two, whose neighbours are closest on a half logarithmic scale."""
    at = np.array(steps, dtype=float)
    scale = np.log1p(at) / np.log1p(at[-1]) + at / at[-1]
    return steps[1 + int(np.argmin(scale[2:-1] - scale[:-3]))]
