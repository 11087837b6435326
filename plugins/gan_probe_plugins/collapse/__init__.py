"""Mode collapse: how many different images a generator has, and which kinds of real images it does not draw.

Every number is measured in one feature space, beside the same number for held-out real images in the samples' place:
the support by the birthday paradox (Arora, Risteski and Zhang 2018) with an automatic check for duplicates, precision,
recall, density and coverage, the Vendi score (Friedman and Dieng 2023), bins that differ (Richardson and Weiss 2018)
and, where there are labels, the classes that a judge names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context


@dataclass(frozen=True)
class CollapseOptions(Options):
    """Options of `collapse`."""

    samples: int = option(2000, "samples, and as many real and held-out images, if there are so many", min=50)
    most: int = option(4096, "samples that the birthday test draws at most, to find twins", min=128, max=100_000)
    feature_space: str = option(
        "default",
        "pixels, d:CHECKPOINT[:LAYER], a .onnx file, or default: the D of imagenet32-features, or mnist-dcgan for grey",
    )
    judge: str = option(
        "data", "what a judge of classes learns from: the run's data, if they have labels; DATA:LABELS; or none"
    )


class Collapse(Analysis[CollapseOptions]):
    """Tell a collapsed generator: its support, and the kinds of real images that it does not draw."""

    name = "collapse"
    title = "Mode collapse"
    needs = frozenset({"sample", "data"})
    references = works(
        "arora2018", "friedman2023", "garwood1936", "kynkaanniemi2019", "naeem2020", "richardson2018", "wilson1927"
    )
    examples = (
        "gan-probe run --plugin collapse ckpt.pt --data photos/",
        "gan-probe run --plugin collapse ckpt.pt --data photos/ --feature-space pixels --judge none",
    )
    Options = CollapseOptions

    def run(self, gan: GAN | None, options: CollapseOptions, ctx: Context) -> Report:
        """Draw, measure beside held-out real images, and judge."""
        from gan_probe.sampling import sample_units
        from gan_probe_plugins.collapse.classes import named_classes
        from gan_probe_plugins.collapse.measured import measured
        from gan_probe_plugins.collapse.report import report
        from gan_probe_plugins.collapse.sets import beside_real

        assert gan is not None  # noqa: S101  # `needs` says so
        sets = beside_real(gan, options.samples, options.feature_space, ctx)
        classes, notes = named_classes(gan, sets, options.judge, ctx)
        return report(sets, measured(sets, options.most, ctx), classes, notes, sample_units(gan, ctx))


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this package."""
    return [Collapse]
