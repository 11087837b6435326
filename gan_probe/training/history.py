"""What training measured: losses, scores and gradients, averaged over epochs or, in long epochs, a hundred steps."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gan_probe.report.model import Figure, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from gan_probe.report.model import Cell


@dataclass(frozen=True)
class Row:
    """Means over the steps up to `step`, counted from 1, since the row before.

    `d_loss` and `g_loss` are in nats (2 ln 2 = 1.386 and ln 2 = 0.693 for a D that guesses); `d_real` and `d_fake` are
    the probabilities of being real that D gives to real and to generated images before its update, and `d_accuracy`,
    the balance of the game, is the share of both that it tells rightly: 0.5 if it guesses, 1 if it has won.
    `d_gradient` and `g_gradient` are the Euclidean norms of the networks' gradients.
    """

    epoch: int
    step: int
    d_loss: float
    g_loss: float
    d_real: float
    d_fake: float
    d_accuracy: float
    d_gradient: float
    g_gradient: float
    images_per_second: float


MEANS = tuple(f.name for f in dataclasses.fields(Row))[2:]


@dataclass
class History:
    """The rows of one training, in order."""

    rows: list[Row] = field(default_factory=list)

    def loss_table(self, at_most: int | None = None) -> Table:
        """The rows as table `losses`, or means over `at_most` equally long runs of them."""
        rows = self.rows if at_most is None else condense(self.rows, at_most)
        cells: list[dict[str, Cell]] = [dataclasses.asdict(row) for row in rows]
        if at_most is not None:  # on a printed page there is no room for the last column
            cells = [{name: value for name, value in row.items() if name != "images_per_second"} for row in cells]
        return Table(
            "losses",
            cells,
            title="Losses",
            caption="Means over the steps since the row before. D's loss is 1.386 and G's 0.693 when D can only guess; "
            "its accuracy is then 0.5. Gradients: Euclidean norms over all of a network's parameters.",
            formats=dict.fromkeys(MEANS, ".3f")
            | {"d_gradient": ".3g", "g_gradient": ".3g"}
            | ({"images_per_second": ",.0f"} if at_most is None else {}),
        )

    def loss_figure(self) -> Figure:
        """Losses, D's scores and gradient norms by training step, as figure `losses`."""
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

        from gan_probe.report.figures import PAGE, new_figure

        figure = new_figure(PAGE, 2.5)
        losses, scores, gradients = figure.subplots(1, 3)
        steps = [row.step for row in self.rows]

        def draw(axes: Axes, **lines: str) -> None:
            for label, name in lines.items():
                axes.plot(steps, [getattr(row, name) for row in self.rows], label=label.replace("_", " "))
            axes.set_xlabel("step")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)

        draw(losses, discriminator="d_loss", generator="g_loss")
        losses.set_ylabel("loss (nats)")
        draw(scores, real_images="d_real", generated_images="d_fake", told_rightly="d_accuracy")
        scores.set_ylabel("D's probability of real")
        scores.set_ylim(0, 1)
        draw(gradients, discriminator="d_gradient", generator="g_gradient")
        gradients.set_yscale("log")
        gradients.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        gradients.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        gradients.yaxis.set_minor_formatter(NullFormatter())
        gradients.set_ylabel("gradient norm")
        last = self.rows[-1]
        return Figure(
            "losses",
            figure,
            title="Losses, scores and gradients",
            caption=f"{len(self.rows):,} rows, each a mean over the steps since the row before; one training, without "
            "intervals or a control. A balanced game keeps both scores near one half. Told rightly: the share of "
            "real and generated images that D tells rightly; it stays near 1, and G's loss climbs, when D has won.",
            alt=f"Curves that end at D loss {last.d_loss:.2f}, G loss {last.g_loss:.2f}, "
            f"scores {last.d_real:.2f} for real and {last.d_fake:.2f} for generated images, "
            f"gradient norms {last.d_gradient:.2g} of D and {last.g_gradient:.2g} of G.",
        )


def condense(rows: Sequence[Row], at_most: int) -> list[Row]:
    """Means over at most `at_most` runs of consecutive rows, equally long up to one row."""
    runs = min(len(rows), at_most)
    edges = [len(rows) * i // runs for i in range(runs + 1)] if runs else [0]
    return [_mean(rows[low:high]) for low, high in itertools.pairwise(edges)]


def _mean(rows: Sequence[Row]) -> Row:
    means = {name: sum(getattr(row, name) for row in rows) / len(rows) for name in MEANS}
    return Row(rows[-1].epoch, rows[-1].step, **means)
