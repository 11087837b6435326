"""The analysis `brightness`: a whole plugin in one file. It measures how bright samples are; make it yours."""

from __future__ import annotations

from dataclasses import dataclass

from gan_probe import Analysis, Figure, Options, Report, Table, hookimpl, option


@dataclass(frozen=True)
class BrightnessOptions(Options):
    """Every field is an option of `gan-probe run`, a keyword of `gan_probe.run`, and a line of the report."""

    count: int = option(256, "samples to draw", min=2, max=100_000)


class Brightness(Analysis[BrightnessOptions]):
    """Measure the mean brightness of samples, with a bootstrap interval."""

    name = "brightness"
    title = "Brightness"
    needs = frozenset({"sample"})
    Options = BrightnessOptions

    def run(self, gan, options, ctx):
        """Draw, measure, resample."""
        import numpy as np

        from gan_probe.report.figures import image_grid

        images = ctx.samples(gan, options.count).pixels  # (N, H, W, C) uint8, drawn once for all analyses of a run
        means = images.mean(axis=(1, 2, 3)) / 255
        # randomness has a name: the same seed gives the same numbers, whatever else runs
        draws = ctx.rng("brightness/bootstrap").choice(means, (2000, len(means))).mean(axis=1)
        low, high = np.percentile(draws, [2.5, 97.5])
        return Report(
            tables=[
                Table(
                    "brightness",
                    [{"n": len(means), "mean": means.mean(), "low": low, "high": high}],
                    title="Mean brightness, 0 black to 1 white",
                    caption="Interval: 95 %, percentile bootstrap over samples, 2,000 draws.",
                    formats=dict.fromkeys(("mean", "low", "high"), ".3f"),
                )
            ],
            figures=[
                Figure(
                    "darkest-first",
                    image_grid(images[np.argsort(means)][:64], 8),
                    title="Darkest first",
                    caption=f"The 64 darkest of {len(means)} samples; seed {ctx.seed}.",
                    alt="A grid of samples, the darkest first.",
                )
            ],
        )


@hookimpl
def register_analyses():
    """The one hook that this plugin implements."""
    return [Brightness]
