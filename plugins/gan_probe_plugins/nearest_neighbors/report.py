"""What the looks come to: tables of the tests, sentences, pictures, and every sample's neighbours as a file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, Measure, Report, Table
from gan_probe.measures.copying import SHARE, detectable
from gan_probe.measures.holm import holm
from gan_probe.report import quoted
from gan_probe_plugins.nearest_neighbors.pictures import closest, distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report import Cell
    from gan_probe_plugins.nearest_neighbors.looks import Look
    from gan_probe_plugins.nearest_neighbors.sets import Sets

LEVEL = 0.05


def report(looks: Sequence[Look], sets: Sets, notes: Sequence[str], seed: int, units: str) -> Report:
    """Findings, tables and figures; the first sentence says whether there are copies."""
    adjusted = holm(np.array([look.tail.p for look in looks])).tolist()
    sizes = (
        f"{len(sets.samples):,} samples, {len(sets.held_out):,} held-out and {len(sets.train):,} training images; "
        f"seed {seed}"
    )
    return Report(
        findings=_verdict(looks, adjusted),
        tables=[_tails(looks, adjusted, sizes), *_copying(looks, sizes), *_authentic(looks, sizes)],
        figures=[*(closest(look, sets, sizes) for look in (looks[0], looks[-1])), distances(looks, sizes)],
        artifacts=[Artifact("neighbors.csv", _csv(looks), "every sample's nearest training images, by space")],
        measures=[_measure(look, units) for look in looks],
        methods=_methods(looks, sets),
        notes=notes,
    )


def _methods(looks: Sequence[Look], sets: Sets) -> str:
    spaces = " and ".join(dict.fromkeys(quoted(look.name, 120) for look in looks))
    said = []
    if any(look.copying is not None for look in looks):
        said.append("C_T [@meehan2020], which compares them within k-means cells of the training images")
    if any(look.authentic is not None for look in looks):
        said.append("AuthPct [@alaa2022]")
    besides = f" Beside that we computed {' and '.join(said)}." if said else ""
    return (
        f"To look for memorised images [@radford2016], {len(sets.samples):,} samples and, as the control, "
        f"{len(sets.held_out):,} held-out images were compared with all {len(sets.train):,} training images, in "
        f"{spaces}. The test counts samples nearer to a training image than all but {SHARE:.0%} of held-out images are "
        f"(precedence test [@nelson1963], with Holm's correction [@holm1979] for {len(looks)} spaces).{besides} "
        "Intervals of shares are 95 %, Wilson's [@wilson1927]."
    )


def _measure(look: Look, units: str) -> Measure:
    """Whether each sample is nearer; of which latents samples are, and nearer than which images, is in `units`."""
    title = f"Samples nearer to a training image than {1 - SHARE:.0%} of held-out ones, in {look.name}"
    return Measure(f"nearer-{look.kind}", look.tail.nearer, title, "sample", units, better="lower", format=".1%")


def _tails(looks: Sequence[Look], adjusted: Sequence[float], sizes: str) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "space": look.name,
            "nearer": int(look.tail.nearer.sum()),
            "share": look.tail.share.value,
            "low": look.tail.share.low,
            "high": look.tail.share.high,
            "threshold": look.tail.threshold,
            "p": look.tail.p,
            "p (Holm)": p,
            "least seen": detectable(look.tail, LEVEL / len(looks)),
        }
        for look, p in zip(looks, adjusted, strict=True)
    ]
    return Table(
        "copies",
        rows,
        title="Samples nearer to a training image than the lowest percentile of held-out images",
        caption=f"Threshold: the held-out images' {_ordinal(looks[0].tail.rank)} smallest root mean square difference "
        f"to their nearest training image, that of {SHARE:.0%}. Share of the samples below it: 95 %, Wilson, at this "
        "threshold; p takes the threshold's own error in (precedence test), and Holm's the number of spaces. Least "
        f"seen: the fewest such samples that would have been significant. Control: held-out images. {sizes}.",
        formats=dict.fromkeys(("share", "low", "high"), ".1%")
        | dict.fromkeys(("p", "p (Holm)"), ".2g")
        | {"threshold": ".3f", "nearer": ",", "least seen": ","},
    )


def _copying(looks: Sequence[Look], sizes: str) -> list[Table]:
    rows: list[dict[str, Cell]] = [
        {"space": look.name, "C_T": look.copying.value, "p": look.copying.p, "cells": look.copying.cells}
        for look in looks
        if look.copying is not None
    ]
    if not rows:
        return []
    return [
        Table(
            "data-copying",
            rows,
            title="C_T: are samples nearer to training images as a whole?",
            caption="Meehan et al. 2020: z-scores of Mann and Whitney's U against held-out images within k-means cells "
            "of the training images, weighted by the cells' held-out images. Far below 0: copies; above 0: samples "
            "farther from the data than held-out images. p: one-sided, of so low a value. Copies among samples that "
            f"are poor otherwise do not show here. Control: held-out images. {sizes}.",
            formats={"C_T": "+.2f", "p": ".2g"},
        )
    ]


def _authentic(looks: Sequence[Look], sizes: str) -> list[Table]:
    rows: list[dict[str, Cell]] = []
    for look in looks:
        if look.authentic is None:
            continue
        for who, found in zip(("samples", "held-out images"), look.authentic, strict=True):
            rows.append({"space": look.name, "of": who, "AuthPct": found.value, "low": found.low, "high": found.high})
    if not rows:
        return []
    return [
        Table(
            "authenticity",
            rows,
            title="AuthPct: the share of authentic samples",
            caption="Alaa et al. 2022: authentic is what is farther from its nearest training image than that one's "
            f"own nearest other. Intervals: 95 %, Wilson. Control: held-out images in the samples' place. {sizes}.",
            formats=dict.fromkeys(("AuthPct", "low", "high"), ".1%"),
        )
    ]


def _verdict(looks: Sequence[Look], adjusted: Sequence[float]) -> list[str]:
    """Whether there are copies, where they were seen, and what was missed where they were not."""
    seen = [look for look, p in zip(looks, adjusted, strict=True) if p <= LEVEL]
    said = []
    if not seen:
        least = [n for look in looks if (n := detectable(look.tail, LEVEL / len(looks))) is not None]
        known = f"{min(least):,} would have been significant" if least else "so few images could show none"
        near = max(int(look.tail.nearer.sum()) for look in looks)
        said.append(
            f"No sign of copies in any of {len(looks)} spaces: {f'at most {near:,}' if near else 'none'} of "
            f"{len(looks[0].tail.nearer):,} samples {'are' if near > 1 else 'is'} nearer to a training image than "
            f"{_all_but(looks[0])} are{', which chance may give' if near else ''} (precedence test, Holm, 5 %); "
            f"{known}. Copies of another kind, such as mirrored or recoloured ones, are not looked for."
        )
    for look, p in zip(looks, adjusted, strict=True):
        if p <= LEVEL:
            said.append(
                f"Copies in {look.name}: {int(look.tail.nearer.sum()):,} of {len(look.tail.nearer):,} samples "
                f"({look.tail.share.value:.1%}; 95 %: {look.tail.share.low:.1%} to {look.tail.share.high:.1%}) are "
                f"nearer to a training image than {_all_but(look)} are (p = {p:.2g}, Holm)."
            )
    pixels = looks[0]
    if others := [look for look in seen if look is not pixels]:
        most = max(others, key=lambda look: int((look.tail.nearer & ~pixels.tail.nearer).sum()))
        alone = int((most.tail.nearer & ~pixels.tail.nearer).sum())
        if pixels not in seen:
            said.append(
                f"Pixels in their places missed them: {_samples(alone)} that near in {most.name} and not in pixels, as "
                "images that are shifted or slightly changed are far from each other there."
            )
        elif alone:
            said.append(f"Pixels in their places missed some: {_samples(alone)} as near in {most.name} alone.")
    for look in looks:
        if look.tail.threshold == 0:
            said.append(
                f"In {look.name}, {SHARE:.0%} of the held-out images equal a training image: copies cannot be told "
                "from them there."
            )
        if look.copying is not None and look.copying.p > 0.5 and look in seen:
            said.append(f"C_T in {look.name} is above 0 in spite of the copies: the other samples are far off.")
    return said


def _all_but(look: Look) -> str:
    """The held-out images that samples which count as near are nearer than."""
    beyond, n = look.tail.rank - 1, look.tail.n_held
    return f"all but {beyond / n:.1%} of {n:,} held-out images" if beyond else f"any of {n:,} held-out images"


def _samples(n: int) -> str:
    return f"{n:,} sample{' is' if n == 1 else 's are'}"


def _csv(looks: Sequence[Look]) -> bytes:
    """A line for each sample in each space; samples and training images by their position in their set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["space", "sample", "rank", "training image", "rms difference", "below threshold"])
    for look in looks:
        for i, (row, apart) in enumerate(zip(look.samples.indices, look.sample_distances, strict=True)):
            for rank, (index, distance) in enumerate(zip(row, apart, strict=True)):
                nearer = bool(distance < look.tail.threshold)
                writer.writerow([look.name, i, rank + 1, int(index), f"{distance:.6g}", int(nearer)])
    return text.getvalue().encode()


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"
