"""Section 4.1: the generator does not memorise its training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, number, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import Word, World

LEVEL = 0.05
MOST = 0.05  # of the samples nearer than one in a hundred held-out images is: above, copies cannot be excluded


class Memorisation(Item):
    """No memorised training images."""

    name = "memorisation"
    place = "section 4.1"
    title = "No memorised training images"
    analysis = "nearest-neighbors"
    claim = "samples are no copies of training images (argued from one epoch of training, and from walks)"
    of_samples = True
    minutes = (12, 3)

    def plan(self, world: World) -> Plan:
        """The training images, and samples beside held-out images; in quick without the features of all of them."""
        if world.data is None:
            return Plan(missing=f"needs the training images: pass --data{_because(world)}")
        options: dict[str, Any] = {"count": 200, "feature_space": "pixels"} if world.quick else {"count": 1000}
        return Plan(options, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of G, and of the way of looking."""
        spaces = " and ".join(dict.fromkeys(str(row["space"]) for row in report.table("copies").rows))
        how = f"nearest training images in {spaces}, beside held-out images" + (" (--quick)" if world.quick else "")
        return [*generator(world.gan.card), Deviation("evidence", "an argument, no measurement", how)]

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """No significant copies, and few by the interval in every space."""
        rows = report.table("copies").rows
        worst = max(rows, key=lambda row: number(row["high"]))
        signs = [str(row["space"]) for row in rows if number(row["p (Holm)"]) <= LEVEL]
        n = report.options["count"]
        word: Word = "did not hold" if signs else "held" if number(worst["high"]) < MOST else "undecided"
        here = (
            f"at most {value(worst, ('share', 'low', 'high'), '.1%')} of {n:,} samples nearer to a training image "
            f"than 99% of held-out images, in {worst['space']}"
        )
        why = (
            f"copies are significant in {', '.join(signs)}"
            if signs
            else f"no space shows more than chance (Holm, 5%); held where every upper bound is below {MOST:.0%}"
        )
        return Outcome(here, word, why)


def _because(world: World) -> str:
    return f" ({world.no_data})" if world.no_data else ""
