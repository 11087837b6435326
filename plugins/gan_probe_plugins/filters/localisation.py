"""Whether filters fire where the object is, on images whose objects' boxes are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Table
from gan_probe.measures.pointing import pointing
from gan_probe.measures.resampling import group_difference, group_mean
from gan_probe.measures.roc import all_areas
from gan_probe_plugins.filters.fields import centres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Cell
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets

TOP = 100  # images of each filter


@dataclass(frozen=True, eq=False)
class Pointing:
    """For each filter: its object, the share (F,) of peaks inside the object's box, and the share (F,) by chance."""

    objects: np.ndarray
    inside: np.ndarray
    chance: np.ndarray


def tables(gan: GAN, seen: Sequence[Seen], wanted: Targets, ctx: Context) -> list[Table]:
    """The share of peaks inside the object's box against chance, trained and random; none for a dense layer."""
    if seen[0].layer.kind == "dense" or (at := centres(seen[0].net, seen[0].layer)) is None:
        return []
    found = [_pointing(gan, one, wanted, at, ctx) for one in seen]
    gains = [one.inside - one.chance for one in found]
    rows: list[dict[str, Cell]] = []
    for one, pointed, gain in zip(seen, found, gains, strict=True):
        mean = group_mean(gain, ctx.rng(f"filters/pointing/{one.name}"))
        rows.append(_row(one.name, pointed.inside.mean(), pointed.chance.mean(), mean, len(gain)))
    difference = group_difference(*gains, ctx.rng("filters/pointing"))
    rows.append(_row("trained minus random weights", None, None, difference, len(gains[0])))
    return [
        Table(
            "localisation",
            rows,
            title="Do the filters fire where the object is?",
            caption=f"Each filter's object is the boxed one that it tells best on the choosing half. Of the {TOP} images of "
            "the other half that show it and excite the filter most: the share whose peak, the centre of the unit's "
            "receptive field, lies inside the object's box. Chance: the same peaks in the boxes of the other images. "
            f"Means over all filters; intervals of the gain: 95 %, {difference.method} over filters.",
            formats=dict.fromkeys(("inside", "by chance"), ".1%") | dict.fromkeys(("gain", "low", "high"), "+.1%"),
        )
    ]


def _row(name: str, inside: float | None, chance: float | None, gain: Estimate, filters: int) -> dict[str, Cell]:
    shares: dict[str, Cell] = {"network": name, "inside": inside, "by chance": chance}
    return shares | {"gain": gain.value, "low": gain.low, "high": gain.high, "filters": filters}


def _pointing(gan: GAN, one: Seen, wanted: Targets, at: np.ndarray, ctx: Context) -> Pointing:
    names = [name for name in wanted.boxes if name in wanted.names]
    table = wanted.table[:, [wanted.names.index(name) for name in names]]
    objects = all_areas(one.maxima[wanted.choosing], table[wanted.choosing]).argmax(axis=1)  # (F,)
    chosen = [one.strongest(f, TOP, ~wanted.choosing & table[:, target]) for f, target in enumerate(objects)]
    filters = np.repeat(np.arange(len(chosen)), [len(which) for which in chosen])
    places = one.peaks(gan, np.concatenate(chosen), filters, ctx)
    inside, chance = np.empty(len(chosen)), np.empty(len(chosen))
    for f, which in enumerate(chosen):
        points = at[places[filters == f]][:, ::-1]  # x, y
        hits, expected = pointing(points, wanted.boxes[names[objects[f]]][which])
        inside[f], chance[f] = hits / len(which), expected / len(which)
    return Pointing(objects, inside, chance)
