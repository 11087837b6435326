"""De-duplication of a set of images (the paper's section 4.1.1), and what its hash misses.

The paper's autoencoder hash and a plain perceptual hash as they are; then a second stage, overlay: images with like
Fourier magnitudes are laid over each other where they fit best. Copies planted in the set say what each finds, images
turned upside down what each takes for a copy that is none, and a sheet of random pairs lets a person judge the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gan_probe import Analysis, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context


@dataclass(frozen=True)
class DedupOptions(Options):
    """Options of `dedup`."""

    by: Literal["overlay", "hash"] = option(
        "overlay", "what the keep-list leaves out: what overlay finds, or only what has equal codes by the paper's hash"
    )
    agreement: float | None = option(
        None, "overlay's agreement from which a pair counts (default: by the set, 0.88 to 0.97)", min=0.5, max=1.0
    )
    steps: int = option(4000, "minibatches that the paper's autoencoder is trained on", min=1, max=1_000_000)
    planted: int = option(1000, "images of which copies are planted, to know what is found", min=10, max=100_000)
    sheet: int = option(100, "random pairs on the sheet to judge by eye", min=1, max=400)
    judged: str | None = option(None, "CSV of pair,duplicate (yes or no): your judgement of the sheet, pairs.csv")


class Dedup(Analysis[DedupOptions]):
    """Find duplicates by the paper's autoencoder hash and by overlay; write a keep-list and groups to judge."""

    name = "dedup"
    title = "Duplicates in the training set"
    needs = frozenset({"data"})
    references = works("radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin dedup --data photos/",
        "gan-probe train --data photos/ --keep-list dedup-report/artifacts/dedup-keep-list.txt --out faces.pt",
    )
    Options = DedupOptions

    def run(self, gan: GAN | None, options: DedupOptions, ctx: Context) -> Report:
        """Hash, search, group, plant, and report."""
        # torch and the numbers come with the run, not with --help
        from gan_probe_plugins.dedup.methods import methods
        from gan_probe_plugins.dedup.planted import false_alarms, recall
        from gan_probe_plugins.dedup.report import report
        from gan_probe_plugins.dedup.world import world

        del gan  # only the data are looked at
        seen = world(ctx)
        ways = methods(seen, options, ctx)
        return report(
            seen, ways, recall(seen, ways, options, ctx), false_alarms(seen, ways, options, ctx), options, ctx
        )


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [Dedup]
