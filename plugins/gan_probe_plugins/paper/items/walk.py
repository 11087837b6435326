"""Figure 4: a walk through the latent space (section 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, value
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
        """Smooth by the interval, where the memorising control was found out."""
        walk, *controls = report.table("verdict").rows
        twin = next((row for row in controls if "memorised" in str(row["path"])), None)
        here = (
            f"{walk['verdict']}: half of a leg's change in {value(walk, ('half in', 'low', 'high'), '.0%')} of it, "
            f"{value(walk, ('sharp a leg', 'sharp low', 'sharp high'), '.1f')} sharp places a leg; 8 legs"
        )
        word = WORDS.get(str(walk["verdict"]), "undecided")
        if word == "held" and (twin is None or twin["verdict"] != "sharp transitions"):
            return Outcome(here, "undecided", "the memorising control was not found out on this walk")
        why = "of smoothness alone, by the intervals, beside a memorising control that is found out"
        return Outcome(here, word, f"{why}; whether every image is plausible is not measured")
