"""Figures 2 and 3: samples after one epoch, after five, and now."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World


class Samples(Item):
    """A grid of samples, for the eye."""

    analysis = "samples"
    minutes = (0.02, 0.02)
    epoch: ClassVar[int | None] = None

    def plan(self, world: World) -> Plan:
        """A hundred samples, of the snapshot of that epoch."""
        if self.epoch is None:
            return Plan({"count": 100})
        snapshot = world.snapshots.get(self.epoch)
        if snapshot is None:
            return Plan(
                missing=f"needs a snapshot of epoch {self.epoch} beside the checkpoint: gan-probe train "
                "--snapshots 1,5 keeps NAME-training/checkpoints/epoch-1.pt and epoch-5.pt"
            )
        return Plan({"count": 100}, gan=snapshot)

    def deviations(self, world: World, report: Report) -> list[Deviation]:  # noqa: ARG002  # the item's signature
        """Of G, as it was at that epoch."""
        return generator((self.plan(world).gan or world.gan).card, str(self.epoch or 5))

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """For the eye."""
        return Outcome(report.figures[0].title, "shown", "a picture, for the eye: no number is claimed for it")


class Now(Samples):
    """The checkpoint's own samples."""

    name = "samples"
    place = "Figures 2 and 3"
    title = "Samples of this checkpoint"
    claim = "bedrooms that can be told as such, at the end of training"


class AfterOne(Samples):
    """Figure 2."""

    name = "figure-2"
    place = "Figure 2"
    title = "Samples after one epoch"
    claim = "plausible bedrooms after one pass, which cannot have been memorised"
    epoch = 1


class AfterFive(Samples):
    """Figure 3."""

    name = "figure-3"
    place = "Figure 3"
    title = "Samples after five epochs"
    claim = "visible under-fitting: noise textures that are repeated across samples"
    epoch = 5
