"""Figure 8: a turn vector (section 6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, above_zero, number, only, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World


class Turning(Item):
    """Faces that turn."""

    name = "figure-8"
    place = "Figure 8"
    title = "A turn vector"
    analysis = "turn-vector"
    claim = "the axis between four faces that look left and four that look right turns new faces, step by step"
    of_samples = True
    minutes = (6, 3)

    def plan(self, world: World) -> Plan:
        """A judge of the two ends, or exemplars that a person marked."""
        if world.judge is None and world.concepts is None:
            return Plan(
                missing="needs two ends: pass --judge DATA:LABELS, or mark both with gan-probe annotate and pass "
                "--concepts FILE"
            )
        options: dict[str, Any] = {"judge": world.judge, "concepts": world.concepts if world.judge is None else None}
        options |= {"candidates": 4096, "latents": 50} if world.quick else {"candidates": 20_000}
        return Plan({name: given for name, given in options.items() if given is not None}, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of G, the exemplars and the judge."""
        judge = report.options["judge"]
        return [
            *generator(world.gan.card),
            Deviation("exemplars chosen", "by hand, four an end", f"by {judge or 'a person'}"),
            Deviation("evidence", "by eye, five rows", "a judge's response" if judge else "by eye"),
        ]

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """The mean response rises, but for a judge's trembling, and latents turn oftener than along random ones."""
        # numpy comes with the outcome, not with --help
        from gan_probe_plugins.turn_vector.tables import mean_rises

        if "steadiness" not in [table.name for table in report.tables]:
            return Outcome("rows that turn", "shown", "no judge of the ends was there to ask")
        means = [number(row["response"]) for row in report.table("response").rows]
        rising = mean_rises(means)
        row = report.table("difference").rows[0]
        along = only(report, "steadiness", along="the axis")
        here = (
            f"mean response from {means[0]:.2f} to {means[-1]:.2f}; "
            f"{value(along, ('monotone', 'from', 'to'), '.0%')} of {along['latents']} latents turn monotonely, "
            f"{value(row, ('difference', 'low', 'high'), '+.0%')} against random directions"
        )
        word = above_zero(number(row["low"]), number(row["high"]))
        if word == "held" and not rising:
            return Outcome(here, "undecided", "the mean response does not rise all the way")
        return Outcome(here, word, "claimed: a rising response, and steadier than along random directions as long")
