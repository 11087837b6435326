"""The analysis `brightness`: a whole plugin in one file. It measures how bright samples are; make it yours."""

from __future__ import annotations

from dataclasses import dataclass

from gan_probe import Analysis, Figure, Measure, Options, Report, Table, hookimpl, option


@dataclass(frozen=True)
class BrightnessOptions(Options):
    """Every field is an option of `gan-probe run`, a keyword of `gan_probe.run`, and a line of the report."""

    count: int = option(256, "samples to draw, and real images to set beside them", min=2, max=100_000)
    shown: int = option(64, "of the samples, the darkest to show", min=1, max=1000)


class Brightness(Analysis[BrightnessOptions]):
    """Measure the mean brightness of samples, beside that of real images where there are some."""

    name = "brightness"
    title = "Brightness"
    needs = frozenset({"sample"})
    takes = frozenset({"data"})
    examples = ("gan-probe run --plugin brightness digits-dcgan --data digits",)
    references = (
        """@article{efron1979,
  author = {Bradley Efron},
  title = {Bootstrap Methods: Another Look at the Jackknife},
  journal = {The Annals of Statistics},
  volume = {7},
  number = {1},
  pages = {1--26},
  year = {1979},
}""",
    )
    Options = BrightnessOptions

    def run(self, gan, options, ctx):
        """Draw, measure, set real images beside it."""
        import numpy as np

        from gan_probe.report.figures import image_grid
        from gan_probe.sampling import sample_units

        images = ctx.samples(gan, options.count).pixels  # (N, H, W, C) uint8, drawn once for all analyses of a run
        samples = brightness(images)
        rows = [row("samples", samples, ctx)]
        notes, beside = [], ""
        if ctx.data is None:
            notes.append("Without real images beside them nobody can say whether samples are too bright: pass --data.")
        else:
            real = brightness(real_images(gan, options.count, ctx))
            rows += [row("real images", real, ctx), difference(samples, real, ctx)]
            beside = f", beside that of {len(real)} images of {ctx.data.name}"
        return Report(
            findings=[sentence(*rows)],
            tables=[
                Table(
                    "brightness",
                    rows,
                    title="Mean brightness, 0 black to 1 white",
                    caption="Intervals: 95 %, percentile bootstrap over images, 2,000 draws. Control: real images.",
                    formats=dict.fromkeys(("mean", "low", "high"), ".3f"),
                )
            ],
            figures=[
                Figure(
                    "darkest-first",
                    image_grid(images[np.argsort(samples)][: options.shown], 8),
                    title="Darkest first",
                    caption=f"The darkest of {len(samples)} samples; seed {ctx.seed}.",
                    alt="A grid of samples, the darkest first.",
                )
            ],
            measures=[
                Measure(
                    "brightness",
                    samples,
                    title="Mean brightness",
                    unit="sample",
                    units=sample_units(gan, ctx),
                    format=".3f",
                )
            ],
            methods=f"The mean brightness of {len(samples)} samples was measured{beside}, each with a 95 % percentile "
            "bootstrap interval over images [@efron1979].",
            notes=notes,
        )


def sentence(samples, real=None, apart=None):
    """What was found, with its interval and its control."""
    mean, low, high = (f"{samples[name]:.3f}" for name in ("mean", "low", "high"))
    said = f"{samples['n']:,} samples have a mean brightness of {mean} (95 %: {low} to {high})"
    if real is None or apart is None:
        return f"{said}."
    more = f"{apart['mean']:+.3f} (95 %: {apart['low']:+.3f} to {apart['high']:+.3f})"
    return f"{said}, {real['n']:,} real images of {real['mean']:.3f}: a difference of {more}."


def brightness(images):
    """How bright each image of (N, H, W, C) uint8 is, from 0 to 1: (N,)."""
    return images.mean(axis=(1, 2, 3)) / 255


def real_images(gan, count, ctx):
    """As many training images as there are samples, if there are so many, at the size of the samples."""
    train = ctx.data.train
    drawn = train.take(min(count, len(train)), ctx.rng("brightness/real images"))
    return ctx.images(drawn, gan.card).images


def row(name, values, ctx):
    """A row of the table: the mean of the values with its interval."""
    low, high = percentiles(resampled(name, values, ctx))
    return {"of": name, "n": len(values), "mean": values.mean(), "low": low, "high": high}


def difference(samples, real, ctx):
    """A row of the table: by how much samples are brighter than real images, on average."""
    low, high = percentiles(resampled("samples", samples, ctx) - resampled("real images", real, ctx))
    return {
        "of": "samples minus real images",
        "n": None,
        "mean": samples.mean() - real.mean(),
        "low": low,
        "high": high,
    }


def resampled(name, values, ctx):
    """2,000 means of as many values drawn with replacement; the draw has a name, and so is the same in every run."""
    rng = ctx.rng(f"brightness/bootstrap of {name}")
    return values[rng.integers(len(values), size=(2000, len(values)))].mean(axis=1)


def percentiles(means):
    """The interval that holds 95 % of them."""
    import numpy as np

    return np.percentile(means, [2.5, 97.5])


@hookimpl
def register_analyses():
    """The one hook that this plugin implements."""
    return [Brightness]
