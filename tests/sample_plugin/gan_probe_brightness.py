"""How bright are a GAN's samples? A complete third-party plugin: one analysis, its options, its registration."""

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
    title = "Brightness of the samples"
    needs = frozenset({"sample"})
    Options = BrightnessOptions

    def run(self, gan, options, ctx):
        """Draw, measure, resample."""
        import numpy as np

        from gan_probe.report.figures import image_grid

        z = gan.latent(options.count, ctx.rng("brightness/z"))
        images = gan.to_uint8(gan.sample(z, batch_size=ctx.batch_size))  # (N, H, W, C)
        means = images.mean(axis=(1, 2, 3)) / 255
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
            figures=[Figure("darkest-first", image_grid(images[np.argsort(means)][:64], 8), title="Darkest first")],
        )


@hookimpl
def register_analyses():
    """The one hook that this plugin implements."""
    return [Brightness]
