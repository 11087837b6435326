"""What a training says of itself: on the card of its checkpoints, and in the report beside them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gan_probe.provenance import provenance
from gan_probe.report.model import RunReport
from gan_probe.training.record import record
from gan_probe.training.report import training_report
from gan_probe.training.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe.data import Data
    from gan_probe.gan import GAN, Card
    from gan_probe.report.model import Report
    from gan_probe.training.grids import SampleGrids
    from gan_probe.training.history import History
    from gan_probe.training.monitor import Monitor
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.source import Source
    from gan_probe.training.state import TrainingState


@dataclass(frozen=True)
class Account:
    """Of a training called `name` on `images`, which are `data`'s as `recipe` needs them.

    `source` opens the data again; `start` is the GAN that it began with, if any; `thinned` says on the card, and
    `notes` in the report, what was left out of them. `place` is what it trains on, as `machine` names it.
    """

    name: str
    recipe: Recipe
    data: Data
    images: Source
    grids: SampleGrids
    monitor: Monitor
    seed: int
    device: str
    place: str
    command: str = ""
    source: str = ""
    licence: str = ""
    start: GAN | None = None
    thinned: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def on(self, card: Card, **more: Any) -> Card:
        """The card with what holds at every moment of the training, and `more` of it."""
        split = {"name": self.data.name, "split": self.data.train.name, "fingerprint": self.images.fingerprint}
        return dataclasses.replace(
            card,
            name=self.name,
            training_data=self.source or self.data.name,
            training=card.training | {"data": split | dict(self.thinned)} | more,
            licence=self.licence,
        )

    def of(self, gan: GAN, history: History, diverged: int | None = None) -> tuple[RunReport, Report]:
        """The report of a training that has ended, or `diverged` at that step; its verdict goes onto the GAN's card."""
        verdict = judge(history.rows, self.monitor.looks, self.monitor.reference, diverged)
        gan.card = self.on(gan.card, verdict=verdict.to_dict())
        notes = (*self.notes, *self.images.notes)
        run = provenance(self.command, self.seed, self.device, self.data.name) | {"images": [self.images.record()]}
        report = training_report(history, gan, self.grids, self.monitor, verdict, notes)
        return RunReport(gan.card.to_dict(), run), report

    def of_diverged(self, state: TrainingState, message: str) -> tuple[RunReport, Report]:
        """The report of one that diverged in this state, for the reason of the message."""
        if state.measured:
            state.close_row(state.seconds, min(self.recipe.batch_size, len(self.images)))
        training = record(state, self.recipe, len(self.images), self.seed, self.place, self.start)
        for absent in ("weights", "batch_norm"):  # it has no result
            del training[absent]
        state.gan.card = dataclasses.replace(state.gan.card, training=training)
        run, report = self.of(state.gan, state.history, diverged=state.step)
        return run, dataclasses.replace(report, status="failed", error=message)
