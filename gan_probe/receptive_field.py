"""Which pixels a unit of a stack of stages sees, along one axis: kernels, images and their paddings are square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.stage import Stage

Span = tuple[int, int]  # first and last, both included


@dataclass(frozen=True)
class ReceptiveField:
    """A unit's pixels along one axis, both half-open: `start..stop` as if the image had no end, `first..last` in it.

    The first may reach beyond the image, where padding lies; the second holds exactly the pixels that the unit's value
    can depend on through its products and poolings: none where `first` is not below `last`. Instance and layer norms
    mix in all others, through their means.
    """

    start: int
    stop: int
    first: int
    last: int

    @property
    def centre(self) -> float:
        """The middle, in pixels from the image's edge."""
        return (self.start + self.stop) / 2


def receptive_field(stages: Sequence[Stage], size: int, position: int) -> ReceptiveField:
    """What the unit at `position` of the last stage's output sees of an input of height and width `size`."""
    sizes = [size]
    for stage in stages:
        sizes.append(stage.size(sizes[-1]))
    endless = inside = (position, position)
    for stage, before in zip(reversed(stages), reversed(sizes[:-1]), strict=True):
        endless = _seen(stage, endless, before, clip=False)
        inside = _seen(stage, inside, before, clip=True)
    return ReceptiveField(endless[0], endless[1] + 1, inside[0], inside[1] + 1)


def _seen(stage: Stage, span: Span, before: int, *, clip: bool) -> Span:
    """The positions of a stage's input, `before` wide, that those of `span` of its output depend on."""
    if span[0] > span[1]:  # nothing but a border of zeros
        return span
    if stage.op == "linear":
        return 0, before - 1

    def within(span: Span, size: int) -> Span:
        return (max(span[0], 0), min(span[1], size - 1)) if clip else span

    enlarged = before * stage.upsample
    first, last = span[0] * stage.pool, span[1] * stage.pool + stage.pool - 1
    first, last = within((first - stage.border[0], last - stage.border[0]), stage.unpooled(before) - sum(stage.border))
    kernel, stride, padding = stage.kernel, stage.stride, stage.padding
    if first > last:
        return first, last
    if stage.op == "conv":
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    else:  # output o is made of inputs i with o = i * stride - padding + 0..kernel - 1
        first, last = -(-(first + padding - kernel + 1) // stride), (last + padding) // stride
    first, last = within((first, last), enlarged)
    if stage.upsample > 1 and stage.interpolation == "bilinear":
        # output o lies at (o + 0.5) / u - 0.5 among the inputs
        twice = 2 * stage.upsample
        first, last = (2 * first + 1 - stage.upsample) // twice, -((stage.upsample - 2 * last - 1) // twice)
    else:
        first, last = first // stage.upsample, last // stage.upsample
    return within((first, last), before)
