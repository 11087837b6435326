"""Figure 4: a walk through the latent space (section 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, number, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import Word, World

WORDS: dict[str, Word] = {"smooth": "held", "sharp transitions": "did not hold", "stands still": "did not hold"}


class Walk(Item):
    """Smooth transitions between random latents."""

    name = "figure-4"
    place = "Figure 4"
    title = "A walk between nine random latents"
    analysis = "latent-walk"
    claim = "every image of the walk plausible, every transition smooth"
    of_samples = True
    minutes = (2, 0.6)

    def plan(self, world: World) -> Plan:
        """Nine latents, as the paper's."""
        return Plan({"points": 9, "pairs": 50 if world.quick else 200}, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:  # noqa: ARG002  # the item's signature
        """Of G and the path."""
        found = generator(world.gan.card)
        if world.gan.card.z_distribution == "normal":
            found.append(Deviation("path between latents", "straight lines", "great circles, as z is normal"))
        return [*found, Deviation("evidence", "by eye", "size of steps, beside a memorising twin and cross-fades")]

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Smooth by the interval, all of it, where the memorising control was found out."""
        from gan_probe.measures.paths import HALF

        walk, *controls = report.table("verdict").rows
        twin = next((row for row in controls if "memorised" in str(row["path"])), None)
        known = walk["half in"] is not None
        half = value(walk, ("half in", "low", "high"), ".0%") + " of it" if known else "a share that is not known"
        here = (
            f"{walk['verdict']}: half of a leg's change in {half}, "
            f"{value(walk, ('sharp a leg', 'sharp low', 'sharp high'), '.1f')} sharp places a leg; 8 legs"
        )
        word = WORDS.get(str(walk["verdict"]), "undecided")
        if word == "held" and (twin is None or twin["verdict"] != "sharp transitions"):
            return Outcome(here, "undecided", "the memorising control was not found out on this walk")
        # that an interval reaches across the line is no evidence of smoothness
        if word == "held" and (not known or number(walk["low"]) < HALF):
            return Outcome(here, "undecided", "the interval reaches below a quarter of a leg")
        why = "of smoothness alone, by the intervals, beside a memorising control that is found out"
        return Outcome(here, word, f"{why}; whether every image is plausible is not measured")
