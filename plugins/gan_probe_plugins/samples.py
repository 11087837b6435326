"""Samples in a grid, sorted by the discriminator's score, as the authors' release draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, Artifact, Figure, Options, Report, Table, UsageError, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import torch

    from gan_probe import GAN, Context


@dataclass(frozen=True)
class SamplesOptions(Options):
    """Options of `samples`."""

    count: int = option(100, "samples in the grid", min=1, max=10_000)
    columns: int = option(0, "images in a row (0: as square as it can be)", min=0, max=200)
    candidates: int = option(1, "draw this many times as many, and keep the best by D's score", min=1, max=1000)
    sort: bool = option(True, "by D's score; if not, a latent has the same place in the grid of every checkpoint")


class Samples(Analysis[SamplesOptions]):
    """Draw samples, sorted by the discriminator's score, the most convincing first."""

    name = "samples"
    title = "Samples"
    needs = frozenset({"sample"})
    takes = frozenset({"discriminator"})
    references = works("radford2016")
    examples = (
        "gan-probe run --plugin samples digits-dcgan",
        "gan-probe run --plugin samples ckpt.pt --count 64 --candidates 16",
    )
    Options = SamplesOptions

    def run(self, gan: GAN | None, options: SamplesOptions, ctx: Context) -> Report:
        """Draw, score, sort, and lay out."""
        import numpy as np

        from gan_probe.report.figures import image_grid

        assert gan is not None  # noqa: S101  # `needs` says so
        if options.candidates > 1 and gan.discriminator is None:
            raise UsageError("--candidates needs a discriminator to choose by, and this checkpoint has none")
        drawn = options.count * options.candidates
        samples = ctx.samples(gan, drawn)

        notes, tables = [], []
        order = np.arange(drawn)
        if gan.discriminator is not None:
            scores, note = _scores(gan, samples.images, samples.labels, ctx)
            notes += note
            order = np.argsort(-scores, kind="stable")[: options.count]
            spread = np.percentile(scores[order], [0, 25, 50, 75, 100])
            names = ("lowest", "first_quartile", "median", "third_quartile", "highest")
            row: dict[str, str | int | float | bool | None] = {"n": len(order)}
            row |= {name: float(value) for name, value in zip(names, spread, strict=True)}
            tables.append(
                Table(
                    "scores",
                    [row],
                    title="Discriminator's scores of the samples shown",
                    caption="Raw output of D; above 0 means 'real' where D ends in a logit.",
                    formats=dict.fromkeys(names, ".2f"),
                )
            )
        else:
            notes.append("This checkpoint has no discriminator: the samples stand in the order drawn.")
        if not options.sort:
            order = np.sort(order)
        columns = options.columns or int(np.ceil(np.sqrt(options.count)))
        sorts = options.sort and gan.discriminator is not None
        sorting = "sorted by D's score, best first" if sorts else "in the order drawn"
        if options.candidates > 1:
            sorting += f", the best of {drawn} drawn"
        return Report(
            tables=tables,
            figures=[
                Figure(
                    "grid",
                    image_grid(samples.pixels[order], columns),
                    title=f"{len(order)} samples",
                    caption=f"G(z), z {gan.card.z_distribution}, {sorting}; seed {ctx.seed}.",
                    alt=f"A grid of {len(order)} generated images, {sorting}.",
                )
            ],
            artifacts=[Artifact("z.npy", _npy(samples.z[order].numpy()), "the latents of the grid, row by row")],
            methods=_methods(gan, len(order), drawn, sorts, ctx.seed),
            notes=notes,
        )


def _methods(gan: GAN, shown: int, drawn: int, sorts: bool, seed: int) -> str:
    drawing = f"We drew {drawn:,} latents from the generator's {gan.card.z_distribution} prior (seed {seed})"
    best = f"the {shown:,} samples to which the discriminator gives the highest scores"
    chosen = best if shown < drawn else "all samples"
    order = "by the discriminator's score, as the authors of DCGAN do [@radford2016]" if sorts else "in the order drawn"
    return f"{drawing} and show {chosen}, {order}."


def _scores(gan: GAN, images: torch.Tensor, labels: torch.Tensor | None, ctx: Context) -> tuple[np.ndarray, list[str]]:
    import numpy as np
    import torch

    from gan_probe.features import recalibrated

    net = gan.discriminator
    assert net is not None  # noqa: S101  # asked by the caller
    parts = [slice(i, i + ctx.batch_size) for i in range(0, len(images), ctx.batch_size)]

    def score() -> np.ndarray:
        with torch.no_grad():
            scored = [
                net(images[part].to(gan.device), None if labels is None else labels[part]).reshape(-1) for part in parts
            ]
        return torch.cat(scored).float().cpu().numpy().astype(np.float64)

    if net.statistics is not None:
        return score(), []
    with recalibrated(net, (images[i : i + 128].to(gan.device) for i in range(0, len(images), 128))):
        return score(), ["D stores no batch-norm statistics: they were computed on these samples, as the release does."]


def _npy(array: np.ndarray) -> bytes:
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [Samples]
