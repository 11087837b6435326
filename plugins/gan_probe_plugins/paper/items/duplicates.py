"""Section 4.1.1: near-duplicates in the training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, name_of, number, only, value

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe.data import Data
    from gan_probe_plugins.paper.item import World

HASH = "paper's hash"
SHARE = ("share", "low", "high")
QUICK = 5000  # images, evenly spread over the set


class Duplicates(Item):
    """De-duplication by the paper's hash."""

    name = "duplicates"
    place = "section 4.1.1"
    title = "Duplicates in the training set"
    analysis = "dedup"
    claim = "about 275,000 near-duplicates of 3,033,042 images removed; fewer than 1 in 100 of them wrongly, by eye"
    minutes = (15, 3)

    def plan(self, world: World) -> Plan:
        """The training images."""
        if world.data is None:
            return Plan(missing="needs the training images: pass --data")
        if not world.quick:
            return Plan({}, world.data)
        return Plan({"steps": 1000, "planted": 200}, _part(world.data))

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of the data, and of the judgement."""
        found = [
            Deviation("training data", "LSUN bedrooms, 3,033,042 images", name_of(self.plan(world).data)),
            Deviation("false positives", "by eye", "turned images, which are no copies; by eye with pairs.csv"),
            Deviation("noise, dropout and training of the autoencoder", "not stated", "ours"),
        ]
        if world.quick:
            found.append(Deviation("minibatches of its training", "not stated", str(report.options["steps"])))
        return found

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """What the paper's hash leaves out; how much of that wrongly, as the paper says it, an eye has to tell."""
        found = only(report, "methods", method=HASH)
        alarms = only(report, "false-alarms", method=HASH)
        left = number(found["left out"])
        here = (
            f"the paper's hash leaves out {value(found, SHARE, '.2%')} of the images"
            + (f", {found['also by overlay']:,} of {left:,.0f} confirmed by overlay" if left else "")
            + f", and flags {value(alarms, SHARE, '.1%')} of {alarms['n']:,} that are no copies"
        )
        if not left:
            return Outcome(here, "undecided", "it left nothing out: there is nothing that could be wrong")
        # a hash that rarely takes strangers for copies may still be mostly wrong where copies are rarer than that
        return Outcome(here, "not comparable", "claimed: 1% of what is left out is wrong, by eye: pairs.csv asks yours")


def _part(data: Data) -> Data:
    """Images evenly spread over the set, at most so many."""
    import numpy as np

    from gan_probe.data import Data

    n = len(data.train)
    if n <= QUICK:
        return data
    return Data(data.name, data.train.subset(np.linspace(0, n - 1, QUICK).astype(np.int64)), None, data.description)
