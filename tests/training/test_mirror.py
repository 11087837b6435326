"""Training on images and their mirror images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_probe.training import Recipe, loop
from gan_probe.training.loop import train

from .weights import differing, weights

if TYPE_CHECKING:
    import pytest

RECIPE = Recipe(epochs=4, width=4, z_size=8, batch_size=16)


def test_each_image_is_seen_as_it_is_or_mirrored_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 1), np.uint8)
    batches, step = [], loop.adversarial_step

    def watched(*args: Any) -> torch.Tensor:
        batches.append(args[4])
        return step(*args)

    monkeypatch.setattr(loop, "adversarial_step", watched)
    gan, _ = train(images, dataclasses.replace(RECIPE, mirror=True))
    known = {image.tobytes(): False for image in images} | {image[:, ::-1].tobytes(): True for image in images}
    mirrored = [known[image.tobytes()] for image in gan.to_uint8(torch.cat(batches))]  # KeyError: neither of the two
    assert len(mirrored) == 4 * 32
    assert 40 < sum(mirrored) < 88


def test_images_that_are_their_own_mirror_images_train_the_same_networks() -> None:
    half = np.random.default_rng(0).integers(0, 256, (32, 16, 8, 1), np.uint8)
    images = np.concatenate([half, half[:, :, ::-1]], axis=2)
    plain, _ = train(images, RECIPE)
    mirrored, _ = train(images, dataclasses.replace(RECIPE, mirror=True))
    assert differing(weights(plain), weights(mirrored)) == []
