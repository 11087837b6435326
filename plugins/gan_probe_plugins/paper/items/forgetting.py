"""Figure 6: forgetting to draw an object (section 6.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, above_zero, number, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World


class Forgetting(Item):
    """Windows, or another object, dropped."""

    name = "figure-6"
    place = "Figure 6"
    title = "Forgetting an object"
    analysis = "filter-dropout"
    claim = "windows vanish or turn into other objects when the maps that draw them are dropped; the scene stays"
    of_samples = True
    minutes = (10, 3)

    def plan(self, world: World) -> Plan:
        """Boxes that a person drew, or those that the data have."""
        options: dict[str, Any] = {"samples": 300, "draws": 3} if world.quick else {}
        known = list(world.data.train.boxes) if world.data is not None else []
        if world.boxes is None and not known:
            return Plan(
                missing="needs boxes on samples: gan-probe annotate draws them, then pass --boxes FILE --object NAME"
            )
        thing = world.thing or ("window" if world.boxes or "window" in known else known[0])
        options |= {"object": thing} | ({"boxes": world.boxes} if world.boxes else {})
        return Plan(options, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of G, the boxes and the judge."""
        judged = "against-random" in [table.name for table in report.tables]
        boxes = "drawn by a person" if report.options["boxes"] else "by a detector trained on the data's known boxes"
        return [
            *generator(world.gan.card),
            Deviation("object", "window", str(report.options["object"])),
            Deviation("boxes", "52, drawn by hand on 150 samples", boxes),
            Deviation("maps dropped", "every positive weight, 200", "the strongest quarter, and every positive weight"),
            Deviation("evidence", "by eye", "an independent detector" if judged else "the regression itself"),
        ]

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Gone oftener than with as many random maps, by a judge that had no part in the choice."""
        names = [table.name for table in report.tables]
        if "against-random" not in names:
            row = report.table("regression").rows[1]
            here = f"probability inside boxes falls by {value(row, ('fall', 'at least', 'at most'), '.1%')}"
            return Outcome(here, "not comparable", "no independent judge: the model that chose the maps sees a fall")
        row = report.table("against-random").rows[0]
        fewer = report.table("forgotten").rows[1]
        here = (
            f"{value(row, ('random minus chosen', 'low', 'high'), '+.1%')} of the samples lose the "
            f"{report.options['object']} beyond random maps ({fewer['dropped']} maps); n = {row['n']:,}"
        )
        # as the analysis says it: random maps that add objects are no merit of the chosen ones
        falls = 0.0 if fewer["at least"] is None else number(fewer["at least"])
        word = above_zero(min(number(row["low"]), falls), number(row["high"]))
        return Outcome(here, word, "claimed: gone oftener than with as many random maps, by an independent judge")
