"""The turn vector (section 6.3.2, figure 8): the axis between two groups' mean latents, added to new latents.

The paper shows faces that turn. Here a judge also says how each step responds, beside random directions as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, BadInputError, Options, Report, UsageError, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context
    from gan_probe.data import Data


@dataclass(frozen=True)
class TurnVectorOptions(Options):
    """Options of `turn-vector`."""

    judge: str | None = option(
        None, "the labelled set that a judge of the two groups learns from: [NAME=]DATA[:LABELS], as toy-faces:pose"
    )
    concepts: str | None = option(None, "the groups' exemplars, from gan-probe annotate (default: chosen by the judge)")
    ends: tuple[str, ...] | None = option(
        None, "the two groups: classes of the judge, or concepts of the file (default: the first and the last)"
    )
    exemplars: int = option(4, "exemplars of each group, chosen by the judge", min=1, max=1000)
    latents: int = option(200, "new latents at most, each with an axis of its own", min=5, max=10_000)
    candidates: int = option(8192, "samples to choose exemplars from", min=10, max=1_000_000)
    confidence: float = option(0.9, "how sure the judge must be of an exemplar", min=0.0, max=1.0)
    steps: int = option(11, "steps along the axis, the original in the middle (odd)", min=3, max=101)
    reach: float = option(1.0, "how many axes long the way is to either side", min=0.01, max=10)


class TurnVector(Analysis[TurnVectorOptions]):
    """Add the axis between two groups to new latents, and measure how steadily the images turn."""

    name = "turn-vector"
    title = "Turn vector"
    needs = frozenset({"sample"})
    references = works("bonett2012", "efron1979", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin turn-vector toy-faces-dcgan --judge toy-faces:pose",
        "gan-probe run --plugin turn-vector ckpt.pt --concepts concepts.json --ends left,right",
    )
    Options = TurnVectorOptions

    def check(self, gan: GAN | None, options: TurnVectorOptions, data: Data | None) -> None:  # noqa: ARG002
        """A judge or marks must be named, and the generator be without labels."""
        if gan is not None and gan.card.classes:
            raise BadInputError("this generator draws what its label says: turn-vector is about those without labels")
        if options.judge is None and options.concepts is None:
            raise UsageError(
                "name --judge (a labelled set, as toy-faces:pose), --concepts (a file of gan-probe annotate) or both"
            )
        if options.ends is not None and len(set(options.ends)) != 2:
            raise UsageError("--ends needs two different groups, as left,right")
        if options.steps % 2 == 0:
            raise UsageError(f"--steps is {options.steps}: take an odd number, so that the original is in the middle")

    def run(self, gan: GAN | None, options: TurnVectorOptions, ctx: Context) -> Report:
        """Find the axis, walk it from new latents, and let the judge look."""
        # numpy, torch and matplotlib come with the run, not with --help
        from gan_probe_plugins.turn_vector.turning import turn

        assert gan is not None  # noqa: S101  # `needs` says so
        return turn(gan, options, ctx)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this package."""
    return [TurnVector]
