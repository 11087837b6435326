"""Figure 5: what D's filters respond to, trained beside random weights (section 6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, above_zero, number, only, value
from gan_probe_plugins.paper.networks import discriminator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World

QUICK = 2000


class Filters(Item):
    """Trained filters beside random ones."""

    name = "figure-5"
    place = "Figure 5"
    title = "Guided backpropagation through the first six filters"
    analysis = "filters"
    claim = "trained filters respond to beds and windows; random filters to nothing in particular"
    minutes = (8, 1.5)

    def plan(self, world: World) -> Plan:
        """The training images, or other labelled ones."""
        data = world.data or world.labelled_as("")
        if data is None:
            return Plan(missing="needs images, best with labels: pass --data or --labelled")
        options: dict[str, Any] = {}
        if world.quick and len(data.train) > QUICK:
            options["images"] = QUICK
        return Plan(options, data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of D, and of the way of looking."""
        found = discriminator(world.gan.card, "LSUN bedrooms, 64x64 pixels", "128, 256, 512, 1024", "5")
        found.append(Deviation("evidence", "by eye", "AUC for classes and attributes, on images that judge alone"))
        if report.options["images"] is not None:
            found.append(Deviation("images looked at", "the whole set", f"{report.options['images']:,}"))
        return found

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Selectivity above that of random weights, by the interval over images and draws."""
        if "difference" not in [table.name for table in report.tables]:
            return Outcome("pictures alone", "shown", "the images have no labels or attributes to measure by")
        row = only(report, "difference", measure="mean AUC")
        trained, random = (only(report, "selectivity", network=name) for name in ("trained", "random weights"))
        here = (
            f"mean AUC {number(trained['mean AUC']):.3f}, random weights {number(random['mean AUC']):.3f}: "
            f"{value(row, ('difference', 'low', 'high'), '+.3f')}, over images and {random['draws']} draws"
        )
        word = above_zero(number(row["low"]), number(row["high"]))
        return Outcome(here, word, "claimed: more selective than random weights, the interval clear of zero")
