"""The paper's walk through the latent space (section 6.1, Figure 4), and its claim in numbers.

"Walking on the manifold that is learnt can usually tell us about signs of memorization (if there are sharp
transitions)": a chain through nine random latents is drawn and measured, beside the same walk through a generator that
memorised fifty of these samples, which must leap, and beside cross-fades, which cannot.
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
class LatentWalkOptions(Options):
    """Options of `latent-walk`."""

    points: int = option(9, "random latents that the walk passes through", min=3, max=100)
    feature_space: str = option(
        "default",
        "where distances are measured, besides pixels: d:CHECKPOINT[:LAYER], a file .onnx, or pixels for these alone",
    )
    pairs: int = option(200, "pairs of latents for the perceptual path length", min=10, max=2_000)


class LatentWalk(Analysis[LatentWalkOptions]):
    """Walk between random latents, and tell smooth change from the leaps that memorised images make."""

    name = "latent-walk"
    title = "Walk through the latent space"
    needs = frozenset({"sample"})
    takes = frozenset({"data"})
    references = works("efron1979", "garwood1936", "karras2019", "radford2016", "white2016")
    examples = (
        "gan-probe run --plugin latent-walk ckpt.pt",
        "gan-probe run --plugin latent-walk toy-rooms-dcgan --data toy-rooms --points 20",
    )
    Options = LatentWalkOptions

    def run(self, gan: GAN | None, options: LatentWalkOptions, ctx: Context) -> Report:
        """Walk, look into the largest steps, measure, and compare with the controls."""
        # torch and the numbers come with the run, not with --help
        from gan_probe_plugins.latent_walk.report import report
        from gan_probe_plugins.latent_walk.walks import walk

        assert gan is not None  # noqa: S101  # `needs` says so
        return report(walk(gan, options, ctx), ctx)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [LatentWalk]
