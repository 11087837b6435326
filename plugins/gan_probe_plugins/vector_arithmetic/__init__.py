"""Vector arithmetic on concepts (section 6.3.2, figure 7): A - B + C in latents, beside pixels and single exemplars.

The mean latent of three exemplars per concept; the sum's image amid its neighbours. Where judges choose the exemplars,
it is done many times over, each time with other exemplars, and the claim becomes a rate with its controls.
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
class VectorArithmeticOptions(Options):
    """Options of `vector-arithmetic`."""

    judges: tuple[str, ...] | None = option(
        None, "labelled sets that judges of attributes learn from: [NAME=]DATA[:LABELS],..., as toy-faces:smile"
    )
    concepts: str | None = option(None, "instead of --judges: exemplars of concepts, from gan-probe annotate")
    equations: tuple[str, ...] | None = option(
        None,
        "A - B + C,... in the judges' classes or the file's concepts; `&` joins classes: 'smiling & man - neutral & "
        "man + neutral & woman' (default: give one judge's last class to another's)",
    )
    exemplars: int = option(3, "exemplars of each concept, chosen by the judges", min=2, max=100)
    draws: int = option(200, "draws of exemplars at most, none of which is used twice", min=2, max=10_000)
    candidates: int = option(8192, "samples to choose exemplars from", min=10, max=1_000_000)
    confidence: float = option(0.9, "how sure each judge must be of an exemplar", min=0.0, max=1.0)
    feature_space: str = option("default", "where plausibility is measured: default, pixels, d:CHECKPOINT or an .onnx")


class VectorArithmetic(Analysis[VectorArithmeticOptions]):
    """Add and subtract concepts in latent space, and count how often the result shows what it should."""

    name = "vector-arithmetic"
    title = "Vector arithmetic on concepts"
    needs = frozenset({"sample"})
    takes = frozenset({"data"})
    references = works("bonett2012", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin vector-arithmetic toy-faces-dcgan --judges toy-faces:smile,toy-faces:hair",
        "gan-probe run -p vector-arithmetic ckpt.pt --judges smile=a.zip,eyes=b.zip --equations 'smile - sad + dark'",
        "gan-probe run -p vector-arithmetic ckpt.pt --concepts marks/concepts.json --equations 'smile - sad + glasses'",
    )
    Options = VectorArithmeticOptions

    def check(self, gan: GAN | None, options: VectorArithmeticOptions, data: Data | None) -> None:  # noqa: ARG002
        """Judges or marks must be named, equations be such, and the generator be without labels."""
        from gan_probe.arithmetic import parse_equation

        if gan is not None and gan.card.classes:
            raise BadInputError("this generator draws what its label says: vector-arithmetic is about those without")
        if (options.judges is None) == (options.concepts is None):
            raise UsageError(
                "name either --judges (labelled sets, as toy-faces:smile,toy-faces:glasses) or --concepts (a file of "
                "gan-probe annotate)"
            )
        for text in options.equations or ():
            parse_equation(text)
        if options.judges is None and options.equations is None:
            raise UsageError("--concepts needs --equations 'A - B + C' in the names of the file's concepts")

    def run(self, gan: GAN | None, options: VectorArithmeticOptions, ctx: Context) -> Report:
        """Open judges or marks, draw exemplars, add, and score."""
        # numpy, torch and matplotlib come with the run, not with --help
        from gan_probe_plugins.vector_arithmetic.marked import with_marks
        from gan_probe_plugins.vector_arithmetic.rates import with_judges

        assert gan is not None  # noqa: S101  # `needs` says so
        return with_marks(gan, options, ctx) if options.judges is None else with_judges(gan, options, ctx)


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this package."""
    return [VectorArithmetic]
