"""The paper's forgetting experiment (section 6.3.1): the feature maps that draw an object are dropped from G.

Boxes on samples say where the object is; a logistic regression over the positions of one layer says which maps tell
the inside of boxes from the outside; those are set to 0 everywhere. Whether the object is gone is for a detector to
say that had no part in the choice, beside random maps, as many, and the rest of the scene.
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
class FilterDropoutOptions(Options):
    """Options of `filter-dropout`."""

    object: str = option("window", "what is to be forgotten, by its name in the boxes or in the data")
    boxes: str | None = option(
        None, "COCO file of boxes on samples, as `gan-probe annotate` writes (default: the data's)"
    )
    layer: str | None = option(None, "layer of G whose maps are dropped (default: its second highest convolution)")
    top: int | None = option(None, "how many of the strongest maps to drop (default: a quarter of the layer)", min=1)
    samples: int = option(1000, "new samples on which the effect is measured", min=50, max=100_000)
    draws: int = option(5, "draws of as many random maps, the control", min=3, max=100)
    feature_space: str = option(
        "default", "where it is measured how far samples move: pixels, d:CHECKPOINT[:LAYER], a .onnx file, or default"
    )


class FilterDropout(Analysis[FilterDropoutOptions]):
    """Make G forget an object: drop the feature maps that draw it, and measure what goes and what stays."""

    name = "filter-dropout"
    title = "Forgetting an object"
    needs = frozenset({"sample", "gradients"})
    takes = frozenset({"data"})
    references = works("binkowski2018", "bonett2006", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin filter-dropout toy-rooms-dcgan --data toy-rooms --layer dense1 --top 20",
        "gan-probe run --plugin filter-dropout ckpt.pt --boxes rooms/boxes.json --object window",
    )
    Options = FilterDropoutOptions

    def check(self, gan: GAN | None, options: FilterDropoutOptions, data: Data | None) -> None:  # noqa: ARG002
        """Somebody must know where the object is."""
        if options.boxes is not None:
            return
        if data is None:
            raise BadInputError(
                "filter-dropout needs boxes: draw them with gan-probe annotate and pass --boxes FILE, or pass --data "
                "with known boxes, such as toy-rooms"
            )
        known = list(data.train.boxes)
        if options.object not in known:
            there = f"has boxes of {', '.join(known)}: pass --object" if known else "has no boxes: pass --boxes FILE"
            raise BadInputError(f"{data.name[:60]} has none of {options.object[:30]!r}; it {there}")

    def run(self, gan: GAN | None, options: FilterDropoutOptions, ctx: Context) -> Report:
        """Locate the object, choose the maps, drop them, measure."""
        # torch and the numbers come with the run, not with --help
        from gan_probe_plugins.filter_dropout.experiment import experiment
        from gan_probe_plugins.filter_dropout.report import report

        assert gan is not None  # noqa: S101  # `needs` says so
        return report(experiment(gan, options, ctx))


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [FilterDropout]
