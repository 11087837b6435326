"""The images that are compared: training, held-out, and drawn; and the space they are compared in beside pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe.data import Data, Split


@dataclass(frozen=True)
class Sets:
    """Images (N, H, W, C) uint8, all at the model's size; `notes` say where they are from."""

    train: np.ndarray
    held_out: np.ndarray
    samples: np.ndarray
    notes: list[str]


def gather(gan: GAN, count: int, ctx: Context) -> Sets:
    """All training images, and as many held-out ones and samples as asked, where there are so many.

    Raises BadInputError where no images can be held against the samples.
    """
    train, test, note = _parted(count, ctx)
    notes = [note] if note else []
    if len(test) > count:
        test = test.take(count, ctx.rng("nearest-neighbors/held-out"))
    seen, held_out = ctx.images(train, gan.card), ctx.images(test, gan.card)
    trained_on = _training_record(gan).get("fingerprint")
    if trained_on is None:
        notes.append(f"The card does not say which images were trained on: {train.name} is taken for them.")
    elif trained_on != seen.fingerprint:
        notes.append(
            f"{train.name} is not, image by image, what the card's record says was trained on: copies of "
            "training images that are not in it are not found here."
        )
    drawn = ctx.samples(gan, count)
    return Sets(seen.images, held_out.images, drawn.pixels, notes)


def check_held_out(gan: GAN, data: Data) -> None:
    """BadInputError where the model may have seen every image there is."""
    trained_on = {gan.card.training_data, _training_record(gan).get("name", "")} - {""}
    if data.test is None and (not trained_on or data.name in trained_on):
        raise BadInputError(
            f"{data.name} has no held-out images, and this model may have seen all of them: without images it has not "
            "seen, near is no copy. Pass data with a test split"
        )


def _parted(count: int, ctx: Context) -> tuple[Split, Split, str]:
    """Training and held-out images, and what to know of them."""
    data = ctx.data
    assert data is not None  # noqa: S101  # `needs` says so
    if data.test is not None:
        return data.train, data.test, ""
    n = min(count, len(data.train) // 2)
    if n < 1:
        raise BadInputError(f"{data.name} has too few images to hold some out: pass more")
    order = ctx.rng("nearest-neighbors/held-out").permutation(len(data.train))
    note = f"{data.name} has no test split: {n:,} of its images, which the card says were not trained on, are held out."
    return data.train.subset(np.sort(order[n:])), data.train.subset(np.sort(order[:n])), note


def _training_record(gan: GAN) -> dict[str, str]:
    found = gan.card.training.get("data", {})
    return found if isinstance(found, dict) else {}
