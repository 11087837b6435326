"""Unsupervised directions in latent space: SeFa on the first layer's weights, GANSpace's PCA on its activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context


@dataclass(frozen=True)
class DirectionsOptions(Options):
    """Options of `directions`."""

    count: int = option(5, "directions of each method", min=1, max=50)
    samples: int = option(2000, "samples whose first-layer activations PCA sees", min=10, max=50_000)
    tried: int = option(200, "samples on which each direction's effect is measured", min=2, max=10_000)


class FindDirections(Analysis[DirectionsOptions]):
    """Find the directions along which G changes most, by SeFa and by PCA, beside random ones."""

    name = "directions"
    title = "Directions in latent space"
    needs = frozenset({"sample"})
    references = works("harkonen2020", "shen2021")
    examples = ("gan-probe run --plugin directions ckpt.pt --count 8",)
    Options = DirectionsOptions

    def run(self, gan: GAN | None, options: DirectionsOptions, ctx: Context) -> Report:
        """Find, walk, and measure."""
        # torch and the numbers come with the run, not with --help
        from gan_probe_plugins.directions.report import report

        assert gan is not None  # noqa: S101  # `needs` says so
        return report(gan, options, ctx)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [FindDirections]
