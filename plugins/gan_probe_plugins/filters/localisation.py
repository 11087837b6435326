"""Whether filters fire where the object is, on images whose objects' boxes are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan_probe import Table
from gan_probe.measures.intervals import t_mean
from gan_probe.measures.pointing import pointing
from gan_probe.measures.roc import all_areas
from gan_probe_plugins.filters.fields import centres
from gan_probe_plugins.filters.targets import TOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.report import Cell
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets


class Pointing(NamedTuple):
    """Means over a network's filters of the share of peaks inside the object's box, and of the share by chance."""

    inside: float
    chance: float


def localisation(gan: GAN, seen: Sequence[Seen], wanted: Targets, ctx: Context) -> list[Table]:
    """The share of peaks inside the object's box against chance, trained and random; none where nothing is known."""
    if not wanted.boxes or seen[0].layer.kind == "dense" or (at := centres(seen[0].net, seen[0].layer)) is None:
        return []
    found = [_pointing(gan, one, wanted, at, ctx) for one in seen]
    gains = np.array([one.inside - one.chance for one in found])
    trained, *random = found
    rows: list[dict[str, Cell]] = []
    for name, inside, chance, (gain, low, high) in (
        ("trained", trained.inside, trained.chance, (gains[0], None, None)),
        ("random weights", *np.mean(random, axis=0), t_mean(gains[1:])),
        ("trained minus random weights", None, None, t_mean(gains[0] - gains[1:])),
    ):
        shares: dict[str, Cell] = {"network": name, "inside": inside, "by chance": chance, "gain": gain}
        rows.append(shares | {"low": low, "high": high})
    return [
        Table(
            "localisation",
            rows,
            title="Do the filters fire where the object is?",
            caption=f"Each filter's object is the boxed one that it tells best on the choosing half. Of the {TOP} "
            "images of the other half that show it and excite the filter most: the share whose peak, the centre of the "
            "unit's receptive field, lies inside the object's box. Chance: the same peaks in the boxes of the other "
            f"images. Means over {seen[0].layer.channels} filters. Intervals: 95 %, Student's t over the {len(random)} "
            "draws of random weights, on these images.",
            formats=dict.fromkeys(("inside", "by chance"), ".1%") | dict.fromkeys(("gain", "low", "high"), "+.1%"),
        )
    ]


def _pointing(gan: GAN, one: Seen, wanted: Targets, at: np.ndarray, ctx: Context) -> Pointing:
    names = list(wanted.boxes)
    table = wanted.table[:, [wanted.names.index(name) for name in names]]
    objects = all_areas(one.maxima[wanted.choosing], table[wanted.choosing]).argmax(axis=1)  # (F,)
    chosen = [one.strongest(f, TOP, ~wanted.choosing & table[:, target]) for f, target in enumerate(objects)]
    filters = np.repeat(np.arange(len(chosen)), [len(which) for which in chosen])
    places = one.peaks(gan, np.concatenate(chosen), filters, ctx)
    shares = []
    for f, which in enumerate(chosen):
        points = at[places[filters == f]][:, ::-1]  # x, y
        hits, expected = pointing(points, wanted.boxes[names[objects[f]]][which])
        shares.append((hits / len(which), expected / len(which)))
    return Pointing(*np.mean(shares, axis=0).tolist())
