"""Figure 7: vector arithmetic on concepts (section 6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, number, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import Word, World

CONTROLS = ("minus one exemplar", "minus pixels of exemplars")  # the paper's two
FURTHER = ("minus third concept alone", "minus random z")  # without these, a sum that does nothing could hold


class Arithmetic(Item):
    """A - B + C."""

    name = "figure-7"
    place = "Figure 7"
    title = "Vector arithmetic on concepts"
    analysis = "vector-arithmetic"
    claim = "smiling woman - neutral woman + neutral man is a smiling man; single exemplars and pixels do not do it"
    of_samples = True
    minutes = (8, 4)

    def plan(self, world: World) -> Plan:
        """Judges that name the concepts, or exemplars that a person marked."""
        if world.judges is not None:
            options: dict[str, Any] = {"judges": world.judges}
        elif world.concepts is not None and world.equations is not None:
            options = {"concepts": world.concepts}
        else:
            return Plan(
                missing="needs concepts: pass --judges DATA:LABELS,DATA:LABELS, or mark exemplars with gan-probe "
                "annotate and pass --concepts FILE --equations 'A - B + C'"
            )
        options |= {"equations": world.equations} if world.equations is not None else {}
        options |= {"candidates": 4096, "draws": 50} if world.quick else {"candidates": 20_000}
        return Plan(options, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of G, the exemplars and the judge."""
        by = "labelled sets: " + ", ".join(report.options["judges"]) if report.options["judges"] else "a person"
        return [
            *generator(world.gan.card),
            Deviation("exemplars chosen", "by hand, three a concept", f"by {by}"),
            Deviation("evidence", "by eye, one draw", "success over draws" if report.options["judges"] else "by eye"),
        ]

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Every equation above all of the controls."""
        names = [table.name for table in report.tables]
        if "differences" not in names:
            return Outcome(f"{len(report.figures)} equations", "shown", "marked by hand: one draw, and no rate")
        held, below = {}, {}
        for equation in report.table("equations").rows:
            apart = {
                row["comparison"]: (number(row["low"]), number(row["high"]))
                for row in report.table("differences").rows
                if row["equation"] == equation["number"] and row["criterion"] == "success"
            }
            name = str(equation["equation"])
            held[name] = all(apart[control][0] > 0 for control in (*CONTROLS, *FURTHER))
            below[name] = any(apart[control][1] < 0 for control in CONTROLS)
        word: Word = "held" if all(held.values()) else "did not hold" if all(below.values()) else "undecided"
        best = max(report.table("equations").rows, key=lambda row: number(row["success"]))
        here = (
            f"{sum(held.values())} of {len(held)} equations above all controls; the best, {best['equation']}, shows "
            f"what it should in {value(best, ('success', 'low', 'high'), '.0%')} of {best['draws']} draws"
        )
        return Outcome(here, word, "claimed: success above single exemplars and pixels; here also above random z")
