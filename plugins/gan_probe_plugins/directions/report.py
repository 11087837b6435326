"""Directions found, walked along, and measured against random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe import BadInputError, Figure, Measure, Report, Table
from gan_probe.directions import Directions, ganspace, random_directions, sefa
from gan_probe.measures.intervals import crossed_mean, t_mean
from gan_probe.report.figures import image_grid, interval_chart
from gan_probe.sampling import sample_units
from gan_probe_plugins.directions.first_layer import activations, weight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe import GAN, Context
    from gan_probe.gan import Layer, Net
    from gan_probe.report import Cell
    from gan_probe.sampling import Samples
    from gan_probe_plugins.directions import DirectionsOptions

SIGMAS = np.arange(-3, 4)  # frames of a walk
CONTROLS = 20  # random directions
SPREAD = {"uniform": 3**-0.5, "normal": 1.0}  # of z along any direction: its standard deviation


def report(gan: GAN, options: DirectionsOptions, ctx: Context) -> Report:
    """Tables and pictures of both methods' directions and of the control."""
    net = gan.generator
    assert net is not None  # noqa: S101  # `needs` says so
    if not net.layers:
        raise BadInputError("directions needs the generator's first layer, and no layer of this one can be read")
    seen = ctx.samples(gan, options.samples)
    found: dict[str, Directions] = {}
    notes = []
    try:
        found["SeFa"] = sefa(weight(_in_torch(gan), gan.card.z_size), options.count)
    except BadInputError as error:
        notes.append(f"Without SeFa: {error}.")
    found["PCA"] = ganspace(activations(gan, seen, ctx.batch_size), seen.z.double().numpy(), options.count)

    walker = _Walker(gan, ctx)
    tried = ctx.samples(gan, options.tried)
    control = random_directions(CONTROLS, gan.card.z_size, ctx.rng("directions/random"))
    random = np.stack([walker.change(tried, vector) for vector in control])  # (R, N)
    rows: list[dict[str, Cell]] = []
    measures: list[Measure] = []
    units = sample_units(gan, ctx)
    for method, directions in found.items():
        for rank, (vector, share) in enumerate(zip(directions.vectors, directions.explained, strict=True), 1):
            change = walker.change(tried, vector)
            mean, low, high = t_mean(change)
            more, least, most = crossed_mean(change - random)
            if rank == 1:
                what = f"Change along {method} 1 over that of random directions, in grey levels"
                over = change - random.mean(axis=0)
                measures.append(Measure(f"{method.lower()}-1", over, what, "sample", units, format=".2f"))
            rows.append(
                {
                    "direction": f"{method} {rank}",
                    "explained": float(share),
                    "change": mean,
                    "low": low,
                    "high": high,
                    "over random": more,
                    "at least": least,
                    "at most": most,
                    "n": len(tried),
                }
            )
            ctx.progress(len(rows), len(found) * options.count, "walking along directions")
    mean, low, high = crossed_mean(random)
    name = f"{CONTROLS} random"
    rows.append(
        {"direction": name, "explained": None, "change": mean, "low": low, "high": high}
        | {"over random": None, "at least": None, "at most": None, "n": len(tried)}
    )
    caption = (
        "Change: mean absolute difference, in grey levels of 255, between the images half a sigma to either side of a "
        f"sample; a sigma is the standard deviation of z along any direction, {SPREAD[gan.card.z_distribution]:.3g}. "
        f"Intervals: 95 %, Student's over {len(tried)} samples; for the control and for differences from it, two-way "
        f"random effects over samples and {CONTROLS} random directions. Explained: share of the sum of eigenvalues "
        "(SeFa), of the activations' variance (PCA)."
    )
    table = Table(
        "directions",
        rows,
        title="Effect of each direction",
        caption=caption,
        formats={"explained": ".1%"}
        | dict.fromkeys(("change", "low", "high"), ".2f")
        | dict.fromkeys(("over random", "at least", "at most"), "+.2f"),
    )
    figures = [_chart(table)]
    shown = {method: directions.vectors for method, directions in found.items()} | {"random": control[: options.count]}
    figures += [walker.figure(method, vectors) for method, vectors in shown.items()]
    layer = net.layers[0]
    notes += [
        f"The first layer is {layer.name}. SeFa takes its weight as published, without the norm that follows; PCA "
        f"takes {len(seen):,} samples' activations, and z is regressed on each component's coordinate, as in GANSpace.",
        "A direction that changes much need not change one thing: neither method knows what an object is.",
    ]
    return Report(
        findings=_findings(table),
        tables=[table],
        figures=figures,
        measures=measures,
        methods=_methods(found, len(seen), len(tried), layer),
        notes=notes,
    )


def _findings(table: Table) -> list[str]:
    """How much more than random directions each method's first one changes."""
    *rows, random = table.rows

    def told(row: Mapping[str, Cell], *columns: str) -> str:
        value, low, high = (table.text(name, row[name]) for name in columns)
        return f"{value} ({low} to {high})"

    return [
        f"Along {row['direction']} images change by {told(row, 'change', 'low', 'high')} grey levels a sigma, along "
        f"{random['direction']} directions by {told(random, 'change', 'low', 'high')}: a difference of "
        f"{told(row, 'over random', 'at least', 'at most')}. {row['n']:,} samples; intervals: 95 %."
        for row in rows
        if str(row["direction"]).endswith(" 1")
    ]


def _methods(found: dict[str, Directions], seen: int, tried: int, layer: Layer) -> str:
    count = len(found["PCA"].vectors)
    by_weight = f"by SeFa [@shen2021] from the weight of the generator's first layer, {layer.name}, and " * (
        "SeFa" in found
    )
    return (
        f"We took the first {count} directions of latent space {by_weight}by the principal components of "
        f"{seen:,} samples' activations in {f'{layer.name}' if not by_weight else 'that layer'}, as GANSpace does "
        f"[@harkonen2020]. A direction's effect is the mean absolute difference of pixels between the images half a "
        f"standard deviation of the latent to either side of each of {tried:,} samples; the control is {CONTROLS} "
        "random directions. Intervals are 95 %: Student's t over samples, and two-way random effects over samples and "
        "random directions for the control and the differences from it."
    )


class _Walker:
    """Moves samples along directions."""

    def __init__(self, gan: GAN, ctx: Context) -> None:
        self.gan, self.ctx = gan, ctx
        self.sigma = SPREAD[gan.card.z_distribution]

    def change(self, samples: Samples, vector: np.ndarray) -> np.ndarray:
        """The mean absolute difference (N,) over one sigma about each sample, in grey levels of 255."""
        low, high = self.gan.card.value_range
        before, behind = (self._images(samples, step * vector) for step in (-0.5, 0.5))
        return (behind - before).abs().mean(dim=(1, 2, 3)).double().numpy() * (255 / (high - low))

    def figure(self, method: str, vectors: np.ndarray) -> Figure:
        """One sample moved along each direction, a row each."""
        first = self.ctx.samples(self.gan, 1)
        frames = [self._images(first, float(step) * vector) for vector in vectors for step in SIGMAS]
        grid = image_grid(self.gan.to_uint8(torch.cat(frames)), len(SIGMAS))
        what = f"{len(vectors)} random directions" if method == "random" else f"{method}, {len(vectors)} directions"
        return Figure(
            f"{method.lower()}-walks",
            grid,
            title="Walks along random directions" if method == "random" else f"Walks along directions of {method}",
            caption=f"{what}, one a row, the strongest on top; from -3 sigma at the left to 3 sigma at the right, "
            f"sample 0 of seed {self.ctx.seed} in the middle."
            if method != "random"
            else f"The control: {what}, one a row; from -3 sigma to 3 sigma, the same sample in the middle.",
            alt=f"Rows of {len(SIGMAS)} images, each row a walk along one direction through the same sample.",
        )

    def _images(self, samples: Samples, shift: np.ndarray) -> torch.Tensor:
        moved = samples.z + torch.from_numpy((self.sigma * shift).astype(np.float32))
        return self.gan.sample(moved, samples.labels, self.ctx.batch_size)


def _in_torch(gan: GAN) -> Net:
    """The generator as torch runs it; BadInputError where it cannot."""
    net = gan.differentiable().generator
    assert net is not None  # noqa: S101  # as in the GAN itself
    return net


def _chart(table: Table) -> Figure:
    def column(name: str) -> list[float]:
        return [float(row[name] or 0) for row in table.rows]

    names = [str(row["direction"]) for row in table.rows]
    changes = column("change")
    return Figure(
        "changes",
        interval_chart(names, changes, column("low"), column("high"), "change per sigma, grey levels of 255", ".2f"),
        title="Change along each direction",
        caption=table.caption.split(" Explained:")[0],
        alt=f"{names[int(np.argmax(changes))]} changes images most, by {max(changes):.1f} grey levels a sigma; "
        f"random directions by {changes[-1]:.1f}.",
    )
