"""The classes of samples and of held-out images, as one judge names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.judge import Judge, open_judge, train_judge
from gan_probe.measures.bins import Comparison, compare_bins

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe_plugins.collapse.sets import Sets


@dataclass(frozen=True)
class Classes:
    """How often a judge names each class among samples, and among held-out images beside real ones of the other half.

    Both are compared with counts by the same judge, so that its errors are on either side.
    """

    judge: Judge
    samples: Comparison
    held: Comparison


def named_classes(gan: GAN, sets: Sets, judge: str, ctx: Context) -> tuple[Classes | None, list[str]]:
    """The classes, and what a reader must know of them; None without a judge or labels."""
    if judge == "none":
        return None, []
    if judge != "data":
        trained = open_judge(judge, gan.card, ctx)
    elif sets.real_images.labels is None or sets.held_images.labels is None:
        return None, ["No classes were counted: the data have no labels (--judge DATA:LABELS names some)."]
    elif len(set(sets.real_images.labels.tolist())) < 2:
        return None, ["No classes were counted: all images have one label (--judge DATA:LABELS names others)."]
    else:
        trained = _of_data(sets, ctx)
    k = len(trained.classes)
    # of the images that the judge learned from it is too sure: samples are compared with those held out
    samples, held, real = (
        np.bincount(trained(images).argmax(1), minlength=k)
        for images in (
            sets.stream.pixels(sets.n),
            sets.held_images.images[: sets.n],
            sets.real_images.images[: sets.n],
        )
    )
    accuracy = trained.accuracy
    notes = [
        f"The judge of classes is right on {accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%}, 95 %, "
        f"{accuracy.method}) of {trained.n_held_out:,} held-out real images; of samples nobody knows."
    ]
    if gan.card.classes:
        notes.append("The generator is conditional and was asked for every class equally often.")
    return Classes(trained, compare_bins(held, samples), compare_bins(real, held)), notes


def _of_data(sets: Sets, ctx: Context) -> Judge:
    real, held = sets.real_images, sets.held_images
    assert real.labels is not None  # noqa: S101  # asked by the caller
    assert held.labels is not None  # noqa: S101
    seen, tried = (real.images, real.labels), (held.images, held.labels)
    return ctx.once(
        ("judge", real.fingerprint, held.fingerprint),
        lambda: train_judge(
            seen, tried, real.classes, ctx.rng("collapse/judge"), device=str(ctx.device), progress=ctx.progress
        ),
    )
