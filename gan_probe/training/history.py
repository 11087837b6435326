"""What training looked like: losses and scores, averaged over epochs or, in long epochs, over a hundred steps."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gan_probe.report.model import Figure, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report.model import Cell


@dataclass(frozen=True)
class Row:
    """Means over the steps up to `step`, counted from 1, since the row before.

    `d_loss` and `g_loss` are in nats (2 ln 2 = 1.386 and ln 2 = 0.693 for a D that guesses); `d_real` and `d_fake` are
    the probabilities of being real that D gives to real and to generated images before its update.
    """

    epoch: int
    step: int
    d_loss: float
    g_loss: float
    d_real: float
    d_fake: float
    images_per_second: float


@dataclass
class History:
    """The rows of one training, in order."""

    rows: list[Row] = field(default_factory=list)

    def loss_table(self, at_most: int | None = None) -> Table:
        """The rows as table `losses`, or means over `at_most` equally long runs of them."""
        rows = self.rows if at_most is None else condense(self.rows, at_most)
        cells: list[dict[str, Cell]] = [dataclasses.asdict(row) for row in rows]
        return Table(
            "losses",
            cells,
            title="Losses",
            caption="Means over the steps since the row before. D's loss is 1.386 and G's 0.693 when D can only guess.",
            formats=dict.fromkeys(("d_loss", "g_loss", "d_real", "d_fake"), ".3f") | {"images_per_second": ",.0f"},
        )

    def loss_figure(self) -> Figure:
        """Losses and D's scores by training step, as figure `losses`."""
        from gan_probe.report.figures import new_figure

        figure = new_figure(6.4, 4.8)
        losses, scores = figure.subplots(2, 1, sharex=True)
        steps = [row.step for row in self.rows]
        losses.plot(steps, [row.d_loss for row in self.rows], label="discriminator")
        losses.plot(steps, [row.g_loss for row in self.rows], label="generator")
        losses.set_ylabel("loss (nats)")
        scores.plot(steps, [row.d_real for row in self.rows], label="real images")
        scores.plot(steps, [row.d_fake for row in self.rows], label="generated images")
        scores.set_ylabel("D's probability of real")
        scores.set_xlabel("step")
        scores.set_ylim(0, 1)
        for axes in (losses, scores):
            axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)
        last = self.rows[-1]
        return Figure(
            "losses",
            figure,
            title="Losses and scores",
            caption="A balanced game keeps both scores near one half; when G's loss only climbs, D has won.",
            alt=f"Curves that end at D loss {last.d_loss:.2f}, G loss {last.g_loss:.2f}, "
            f"scores {last.d_real:.2f} for real and {last.d_fake:.2f} for generated images.",
        )


def condense(rows: Sequence[Row], at_most: int) -> list[Row]:
    """Means over at most `at_most` runs of consecutive rows, equally long up to one row."""
    runs = min(len(rows), at_most)
    edges = [len(rows) * i // runs for i in range(runs + 1)] if runs else [0]
    return [_mean(rows[low:high]) for low, high in itertools.pairwise(edges)]


def _mean(rows: Sequence[Row]) -> Row:
    means = {
        name: sum(getattr(row, name) for row in rows) / len(rows)
        for name in ("d_loss", "g_loss", "d_real", "d_fake", "images_per_second")
    }
    return Row(rows[-1].epoch, rows[-1].step, **means)
