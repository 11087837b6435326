"""How near samples are to real images as a whole: FID and KID, beside those of held-out real images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, Figure, Measure, Options, Report, Table, hookimpl, option
from gan_probe.report import quoted
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from gan_probe import GAN, Context
    from gan_probe.report import Cell
    from gan_probe_plugins.collapse.sets import Sets

PARTS = (8, 4, 2, 1)  # of n, at which FID is shown again


@dataclass(frozen=True)
class QualityOptions(Options):
    """Options of `quality`."""

    samples: int = option(5000, "samples, and as many real and held-out images, if there are so many", min=50)
    feature_space: str = option(
        "default",
        "pixels, d:CHECKPOINT[:LAYER], a .onnx file, or default: the D of imagenet32-features, or mnist-dcgan for grey",
    )


class Quality(Analysis[QualityOptions]):
    """Measure FID and KID in a named feature space, beside held-out real images."""

    name = "quality"
    title = "Quality of samples: FID and KID"
    needs = frozenset({"sample", "data"})
    references = works("binkowski2018", "heusel2017")
    examples = (
        "gan-probe run --plugin quality ckpt.pt --data photos/",
        "gan-probe run --plugin quality ckpt.pt --data photos/ --feature-space inception.onnx --samples 10000",
    )
    Options = QualityOptions

    def run(self, gan: GAN | None, options: QualityOptions, ctx: Context) -> Report:
        """Draw, and measure both sets against the same real images."""
        from gan_probe.measures.frechet import Gaussian, frechet_distance, frechet_influence
        from gan_probe.measures.kernel import kernel_distance, kernel_influence
        from gan_probe.measures.pairs import between, within
        from gan_probe.measures.rows import Rows
        from gan_probe.sampling import sample_units
        from gan_probe_plugins.collapse.sets import beside_real

        assert gan is not None  # noqa: S101  # `needs` says so
        sets = beside_real(gan, options.samples, options.feature_space, ctx)
        real = Rows(sets.real)
        known, known_pairs = Gaussian.of(real), within(real, 1)
        rows: list[dict[str, Cell]] = []
        for who, features in (("samples", sets.samples), ("real images, held out", sets.held)):
            other = Rows(features, real.centre)
            pairs = between(real, other, known_pairs.nearest[:, 0], known_pairs.nearest[:, 0])
            fitted, inside = Gaussian.of(other), within(other, 1)
            fid, kid = frechet_distance(known, fitted), kernel_distance(known_pairs, inside, pairs)
            if who == "samples":
                moved = frechet_influence(known, fitted), kernel_influence(known_pairs, inside, pairs)
            row: dict[str, Cell] = {"of": who, "n": sets.n}
            row |= {"FID": fid.value, "FID low": fid.low, "FID high": fid.high}
            rows.append(row | {"KID": kid.value, "KID low": kid.low, "KID high": kid.high})
        units = f"{sets.n:,} real images {sets.real_images.fingerprint[:12]}, {sample_units(gan, ctx)}"
        table = _table(rows, sets)
        return Report(
            findings=[_finding(table, sets)],
            tables=[table],
            figures=[_curve(sets)],
            measures=[_measure(name, *found, sets, units) for name, found in zip(("FID", "KID"), moved, strict=True)],
            methods=_methods(sets),
            notes=[*sets.notes, *_warnings(sets)],
        )


def _finding(table: Table, sets: Sets) -> str:
    import numpy as np

    def plain(name: str, value: Cell) -> str:
        text = table.text(name, value)
        return np.format_float_positional(float(text)) if "e" in text else text

    samples, real = (
        " and ".join(
            f"{name} {plain(name, row[name])} ({plain(low, row[low])} to {plain(high, row[high])})"
            for name, low, high in (("FID", "FID low", "FID high"), _KID)
        )
        for row in table.rows
    )
    return (
        f"{sets.n:,} samples have {samples} against as many real images; other real images in their place have {real}. "
        f"In {sets.space.name}{'' if _by_network(sets) else ', not in Inception: no FID of papers'}. Intervals: 95 %."
    )


def _methods(sets: Sets) -> str:
    return (
        f"We measured FID [@heusel2017] and KID [@binkowski2018], the latter with the cubic kernel, unbiased and over "
        f"whole sets, between {sets.n:,} samples and {sets.n:,} real images in the feature space "
        f"{quoted(sets.space.name)}. As a control, as many held-out real images took the samples' place: what they "
        "score is the least that can be reached. Intervals are 95 %, by the delta method for FID and the jackknife for "
        "KID."
    )


def _measure(name: str, value: float, of_real: np.ndarray, of_fake: np.ndarray, sets: Sets, units: str) -> Measure:
    """The distance as a mean over pairs of a sample and a real image: what both together move it by.

    Of two generators that are measured against the same real images, what those images move falls out of the difference
    by as much as it is the same.
    """
    return Measure(
        name.lower(),
        value + of_real + of_fake,
        title=f"{name} in {sets.where}",
        unit="sample and real image, linearised",
        units=units,
        better="lower",
        format=".3g",
    )


def _table(rows: list[dict[str, Cell]], sets: Sets) -> Table:
    return Table(
        "quality",
        rows,
        title=f"FID and KID in {sets.space.name}",
        caption=f"{sets.sizes}. The second row, real images in the samples' place, is as low as it gets. Intervals: "
        "95 %; of FID by the delta method, of the distance expected at this n; of KID by the jackknife. KID: cubic "
        "kernel, whole sets, unbiased; 0 on average for equal distributions.",
        formats={"n": ","} | dict.fromkeys(("FID", "FID low", "FID high"), ".4g") | dict.fromkeys(_KID, ".3g"),
    )


_KID = ("KID", "KID low", "KID high")


def _curve(sets: Sets) -> Figure:
    """FID at growing n, of samples and of held-out images: what of it is bias."""
    from gan_probe.measures.frechet import Gaussian, frechet_distance
    from gan_probe.measures.rows import Rows
    from gan_probe.report.figures import curve_chart

    lines: dict[str, list[tuple[float, float, float, float]]] = {"samples": [], "held-out real images": []}
    for part in PARTS:
        n = sets.n // part
        if n < 10:
            continue
        real = Rows(sets.real[:n])
        known = Gaussian.of(real)
        for name, features in zip(lines, (sets.samples, sets.held), strict=True):
            found = frechet_distance(known, Gaussian.of(Rows(features[:n], real.centre)))
            lines[name].append((float(n), found.value, found.low, found.high))
    return Figure(
        "fid-by-n",
        curve_chart(lines, xlabel="n, of either set", ylabel="FID"),
        title="FID by the number of images",
        caption=f"At most {sets.sizes}; smaller sets are their first images. Lines: 95 % intervals, delta method. "
        "Control: held-out real images; what they have above 0 is bias, and shrinks as n grows.",
        alt=f"FID at n = {sets.n:,}: {lines['samples'][-1][1]:.3g} of samples, "
        f"{lines['held-out real images'][-1][1]:.3g} of held-out real images.",
    )


def _warnings(sets: Sets) -> list[str]:
    notes = [f"FID is biased upwards by small n: compare it at n = {sets.n:,} and in {sets.space.name} alone."]
    if not _by_network(sets):
        notes.append(
            "This is not the FID of papers, which is measured in Inception's features: for that, pass such a network "
            "as --feature-space FILE.onnx."
        )
    return notes


def _by_network(sets: Sets) -> bool:
    """Whether the user brought the features' network, which may be Inception."""
    return sets.space.name.partition(" (")[0].lower().endswith(".onnx")


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [Quality]
