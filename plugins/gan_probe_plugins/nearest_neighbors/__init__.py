"""Memorisation: whether samples are copies of training images, by their nearest neighbours and by tests with a control.

Held-out images stand beside the samples in everything: whatever is as near to the training images as they are is no
copy. Pixels in their places are fooled by a shift of one pixel (the paper, 6), and so is a feature space whose layers
step over pixels: both are also searched at the best of all small shifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, Options, Report, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gan_probe import GAN, Context
    from gan_probe.data import Data


@dataclass(frozen=True)
class NearestNeighborsOptions(Options):
    """Options of `nearest-neighbors`."""

    count: int = option(500, "samples to look at, and as many held-out images beside them", min=20, max=1_000_000)
    feature_space: str = option(
        "default", "beside pixels: d:CHECKPOINT[:LAYER], a file .onnx, default, or pixels for none"
    )
    shift: int = option(2, "pixels by which shifted copies may be off, each way", min=1, max=8)
    cells: int = option(10, "parts of the training images, by k-means, within which C_T compares", min=1, max=1000)
    k: int = option(3, "neighbours shown beside each sample", min=1, max=10)


class NearestNeighbors(Analysis[NearestNeighborsOptions]):
    """Look for copies of training images among the samples, against held-out images."""

    name = "nearest-neighbors"
    title = "Nearest training images, and tests of copying"
    needs = frozenset({"sample", "data"})
    references = works("alaa2022", "holm1979", "meehan2020", "nelson1963", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin nearest-neighbors ckpt.pt --data photos/",
        "gan-probe run --plugin nearest-neighbors ckpt.pt --data photos/ --feature-space d:other.pt --count 2000",
    )
    Options = NearestNeighborsOptions

    def check(self, gan: GAN | None, options: NearestNeighborsOptions, data: Data | None) -> None:  # noqa: ARG002
        """Some images must be known to be held out."""
        from gan_probe_plugins.nearest_neighbors.sets import check_held_out

        if gan is not None and data is not None:
            check_held_out(gan, data)

    def run(self, gan: GAN | None, options: NearestNeighborsOptions, ctx: Context) -> Report:
        """Search in pixels and in the feature space, in place and shifted; test, and lay out."""
        from gan_probe.feature_space import space_for
        from gan_probe.sampling import sample_units
        from gan_probe_plugins.nearest_neighbors.looks import in_features, in_pixels
        from gan_probe_plugins.nearest_neighbors.report import report
        from gan_probe_plugins.nearest_neighbors.sets import gather

        assert gan is not None  # noqa: S101  # `needs` says so
        sets = gather(gan, options.count, ctx)
        space = space_for(gan, options.feature_space, str(ctx.device))
        looks = in_pixels(sets, options, ctx)
        if space.name != "pixels":  # which were looked at anyway
            looks += in_features(sets, space, options, ctx)
        name = "" if ctx.data is None else ctx.data.name
        seen = f"{len(sets.train):,} training and {len(sets.held_out):,} held-out images of {name}"
        return report(looks, sets, [*sets.notes, *space.notes], ctx.seed, f"{sample_units(gan, ctx)}; {seen}")


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [NearestNeighbors]
