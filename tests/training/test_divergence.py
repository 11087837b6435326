"""A training whose losses or weights are no numbers any more stops, and shows none of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from gan_probe import network
from gan_probe.errors import BadInputError
from gan_probe.gan import GAN
from gan_probe.training import loop
from gan_probe.training.loop import train

from .bars import TINY, bars
from .stopping import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def spoil(after: int) -> Callable[[int, GAN], None]:
    def plant(epoch: int, gan: GAN) -> None:
        if epoch == after:
            assert isinstance(gan.discriminator, network.Network)
            with torch.no_grad():
                next(gan.discriminator.parameters())[0] = torch.inf

    return plant


def test_training_that_diverges_stops_and_names_the_step() -> None:
    with pytest.raises(BadInputError, match="diverged: a loss is not finite at step 9; lower the learning rate"):
        train(bars(64)[0], dataclasses.replace(TINY, epochs=4), on_epoch=spoil(after=2))


def test_weights_that_overflow_in_the_last_step_are_neither_shown_nor_returned() -> None:
    began: list[GAN] = []
    shown: list[int] = []

    def note(epoch: int, gan: GAN) -> None:
        began.append(gan)
        shown.append(epoch)

    def overflow(done: int, total: int, _: str) -> None:
        if done == total:
            spoil(after=0)(0, began[0])

    with pytest.raises(BadInputError, match="diverged: a weight is not finite after step 8"):
        train(bars(64)[0], dataclasses.replace(TINY, epochs=2), on_epoch=note, progress=overflow)
    assert shown == [0, 1]


def test_a_gpu_that_is_full_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(loop, "adversarial_step", full)
    with pytest.raises(BadInputError, match="cpu is out of memory: lower --batch-size or --width") as caught:
        begin(tmp_path)
    assert len(str(caught.value)) <= 200
