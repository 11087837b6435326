"""Trainings that stop when they are told to, and what they leave, tensor by tensor."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.data import Data, Split
from gan_probe.errors import StoppedError
from gan_probe.training import Recipe
from gan_probe.training.checkpoint import train_checkpoint
from gan_probe.training.grids import SampleGrids
from gan_probe.training.history import History, Row
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train

from .weights import weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


TINY = Recipe(epochs=3, width=2, z_size=4, batch_size=8, conditional=True, learning_rate=2e-3)
STEPS = 3 * 5  # of TINY on 43 images: 5 an epoch, and 3 images left over in each


def data(seed: int = 0, n: int = 43) -> Data:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 16, 16, 1), dtype=np.uint8)
    return Data("noise", Split.from_arrays("noise", images, np.arange(n) % 2, ("even", "odd")))


def stop_after(step: int) -> Callable[[], bool]:
    """Asked after every step and once before the first: yes at the step-th time."""
    asked = iter(range(step))
    return lambda: next(asked, None) is None


def begin(folder: Path, recipe: Recipe = TINY, **options: Any) -> None:
    train_checkpoint(data(), folder / "a.pt", recipe, **options)


def stopped(folder: Path, step: int, recipe: Recipe = TINY, **options: Any) -> None:
    with pytest.raises(StoppedError, match="--resume"):
        begin(folder, recipe, interruption=nullcontext(stop_after(step)), **options)


def go(
    folder: Path, recipe: Recipe = TINY, stop: int | None = None, keeping: Keeping | None = None, resume: bool = True
) -> History | None:
    """Train until the end or a stop, without the report, which takes longer: the history of a whole training."""
    images = data().train.load(16, 1)
    keeper = Keeper(
        folder / "a-training",
        keeping or Keeping(),
        {},
        stop=(lambda: False) if stop is None else stop_after(stop),
        resume=resume,
    )
    grids = SampleGrids(recipe.epochs, Context().rng("sample grids"))
    given: dict[str, Any] = {"labels": images.labels, "classes": images.classes}
    try:
        gan, history = train(
            images.images, recipe, on_epoch=grids, keeper=keeper, parts={"sample grids": grids}, **given
        )
    except StoppedError:
        assert stop is not None
        return None
    assert stop is None
    save_checkpoint(gan, folder / "a.pt")
    return history


def tensors(content: object, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(content, torch.Tensor):
        yield name, content
    for key, part in content.items() if isinstance(content, dict) else ():
        yield from tensors(part, f"{name}/{key}")


def everything(folder: Path) -> dict[str, torch.Tensor]:
    """The result's weights, and all tensors of the last state: weights, Adam's averages and counters, samples."""
    found: dict[str, torch.Tensor] = {}
    last = states(folder / "a-training")[-1]
    for path in (folder / "a.pt", last):
        gan, extra = load_checkpoint(path)
        found |= {f"{path.name}/{name}": value for name, value in weights(gan).items()}
        # the rows of the history tell the speed too
        found |= {f"{path.name}{name}": value for name, value in tensors(extra) if not name.endswith("rows")}
    return found


def losses(history: History | None) -> list[Row]:
    """The rows of a history, less the speed."""
    assert history is not None
    return [dataclasses.replace(row, images_per_second=0.0) for row in history.rows]


class Whole(NamedTuple):
    recipe: Recipe
    tensors: dict[str, torch.Tensor]
    losses: list[Row]
