"""Section 4.1.1: near-duplicates in the training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, name_of, number, only, value

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe.data import Data
    from gan_probe_plugins.paper.item import Word, World

HASH = "paper's hash"
SHARE = ("share", "low", "high")
QUICK = 5000  # images, evenly spread over the set
FALSE = 0.01  # of the paper's false positives


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
        """Whether the paper's hash takes fewer than 1 in 100 images for copies of what they are not."""
        found = only(report, "methods", method=HASH)
        alarms = only(report, "false-alarms", method=HASH)
        here = (
            f"the paper's hash leaves out {value(found, SHARE, '.2%')} of the images, and flags "
            f"{value(alarms, SHARE, '.1%')} of {alarms['n']:,} that are no copies"
        )
        high, low = number(alarms["high"]), number(alarms["low"])
        word: Word = "held" if high < FALSE else "did not hold" if low > FALSE else "undecided"
        return Outcome(here, word, "claimed: false alarms below 1%; how many duplicates there are is the data's")


def _part(data: Data) -> Data:
    """Images evenly spread over the set, at most so many."""
    import numpy as np

    from gan_probe.data import Data

    n = len(data.train)
    if n <= QUICK:
        return data
    return Data(data.name, data.train.subset(np.linspace(0, n - 1, QUICK).astype(np.int64)), None, data.description)
