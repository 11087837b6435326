"""What single filters of the discriminator look for (the paper's section 6.2, Figure 5).

For some filters of a layer, the images of a whole data set that excite each most, cropped to what the filter sees, and
their guided gradients; beside them, the same of the same network with random weights. In numbers, for every filter of
the layer: how well it tells one class or attribute from the rest, and whether it fires where the object is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, BadInputError, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context
    from gan_probe.data import Data


@dataclass(frozen=True)
class FiltersOptions(Options):
    """Options of `filters`."""

    layer: str | None = option(None, "layer to look into, such as conv3 (default: the last convolution)")
    filters: tuple[str, ...] = option(
        ("first",), "filters to picture: first (six, as the paper's), selective (the six most so), or numbers: 3,17"
    )
    top: int = option(6, "images to picture of each filter: those that excite it most", min=1, max=24)
    random_draws: int = option(5, "networks of random weights to compare with; the first is pictured", min=2, max=100)
    images: int | None = option(None, "training images to look at: a seeded, stratified draw (default: all)", min=400)


class Filters(Analysis[FiltersOptions]):
    """Show what excites the discriminator's filters, by guided backpropagation, beside random weights."""

    name = "filters"
    title = "What the discriminator's filters look for"
    needs = frozenset({"discriminator", "layers", "gradients", "data"})
    references = works("delong1988", "holm1979", "radford2016", "springenberg2015", "zhang2018")
    examples = (
        "gan-probe run --plugin filters toy-rooms-dcgan --data toy-rooms",
        "gan-probe run --plugin filters ckpt.pt --data photos/ --layer conv4 --filters selective",
    )
    Options = FiltersOptions

    def check(self, gan: GAN | None, options: FiltersOptions, data: Data | None) -> None:  # noqa: ARG002
        """A conditional discriminator's filters see the answer."""
        if gan is not None and gan.card.classes:
            raise BadInputError(
                "this discriminator is conditioned on labels, which its filters see: use an unconditional checkpoint"
            )

    def run(self, gan: GAN | None, options: FiltersOptions, ctx: Context) -> Report:
        """Pass all images through both networks, measure every filter, picture some."""
        # the numbers and pictures come with the run, not with --help
        from gan_probe_plugins.filters.look import look

        assert gan is not None  # noqa: S101  # `needs` says so
        return look(gan, options, ctx)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [Filters]
