"""A training that was stopped and resumed is, to the bit, the one that never stopped."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.errors import BadInputError, StoppedError
from gan_probe.training import loop
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train

from .stopping import STEPS, TINY, Whole, begin, data, everything, go, losses, stop_after, stopped
from .weights import differing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("stops", [(0,), (1,), (7,), (5, 5), (3, 4, 6)])
def test_a_resumed_training_equals_the_one_that_never_stopped(
    whole: Whole, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    for step in stops:
        go(tmp_path, whole.recipe, step)
    history = go(tmp_path, whole.recipe)
    assert len(whole.tensors) > 60
    assert differing(whole.tensors, everything(tmp_path)) == []
    assert losses(history) == whole.losses


def test_so_does_one_by_turns_with_a_moving_average_mirror_images_and_a_decay(tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, recipe="release", updates="alternate", ema=0.9, mirror=True, decay_epochs=1)
    at_once = go(tmp_path / "whole", recipe)
    for steps in (3, 4, 6):
        go(tmp_path / "parts", recipe, steps)
    in_parts = go(tmp_path / "parts", recipe)
    assert differing(everything(tmp_path / "whole"), everything(tmp_path / "parts")) == []
    assert losses(at_once) == losses(in_parts)  # the gradients of the network whose turn it was not, too


@pytest.mark.slow  # a minute
def test_fifty_resumed_trainings_equal_the_one_that_never_stopped(whole: Whole, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    unequal = 0
    for run in range(50):
        folder = tmp_path / str(run)
        folder.mkdir()
        stops = np.sort(rng.choice(STEPS, rng.integers(1, 4), replace=False))
        for steps in np.diff(stops, prepend=0):
            go(folder, whole.recipe, int(steps))
        history = go(folder, whole.recipe)
        unequal += bool(differing(whole.tensors, everything(folder))) or losses(history) != whole.losses
    print(f"{whole.recipe.precision}: {50 - unequal} of 50 resumed trainings equal, tensor for tensor")
    assert unequal == 0


def test_a_row_of_the_history_that_a_stop_divides_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ROW_STEPS", 2)
    at_once = go(tmp_path / "whole", stop=None)
    go(tmp_path / "parts", stop=3)
    in_parts = go(tmp_path / "parts")
    assert losses(at_once) == losses(in_parts)


def test_more_epochs_go_on_as_if_they_had_been_asked_for_at_first(tmp_path: Path) -> None:
    for name in ("whole", "longer"):
        (tmp_path / name).mkdir()
    begin(tmp_path / "whole", dataclasses.replace(TINY, epochs=4))
    begin(tmp_path / "longer")
    begin(tmp_path / "longer", dataclasses.replace(TINY, epochs=4), resume=True)
    found = [everything(tmp_path / name) for name in ("whole", "longer")]
    assert [name for name in differing(*found) if "sample grids" not in name] == []  # chosen by the number of epochs
    training = load_checkpoint(tmp_path / "longer" / "a.pt")[0].card.training
    assert training["epochs"] == 4
    assert [(entry["step"], entry["epochs"]) for entry in training["resumed"]] == [(15, 4)]


def test_observers_are_called_at_the_same_steps_after_a_stop(tmp_path: Path) -> None:
    images = data().train.load(16, 1)
    seen: list[tuple[str, int]] = []
    for stop in (7, 100):
        keeper = Keeper(tmp_path, Keeping(), {}, stop=stop_after(stop), resume=True)
        with suppress(StoppedError):
            train(
                images.images,
                dataclasses.replace(TINY, conditional=False),
                on_epoch=lambda epoch, _: seen.append(("epoch", epoch)),
                on_step=lambda step, _: seen.append(("step", step)),
                keeper=keeper,
            )
    assert [n for what, n in seen if what == "epoch"] == [0, 1, 2, 3]
    assert [n for what, n in seen if what == "step"] == list(range(STEPS + 1))


def test_a_result_that_is_finished_is_made_again_from_its_last_state(tmp_path: Path) -> None:
    begin(tmp_path)
    first = everything(tmp_path)
    (tmp_path / "a.pt").unlink()
    begin(tmp_path, resume=True)
    assert differing(first, everything(tmp_path)) == []


def test_a_training_begun_before_mirror_images_goes_on_without_them_alone(tmp_path: Path) -> None:
    stopped(tmp_path, 7)
    (path,) = states(tmp_path / "a-training")[-1:]
    gan, extra = load_checkpoint(path)
    del extra["identity"]["mirror"]
    save_checkpoint(gan, path, extra)
    with pytest.raises(BadInputError, match="begun with mirror False, not True"):
        begin(tmp_path, dataclasses.replace(TINY, mirror=True), resume=True)
    begin(tmp_path, resume=True)
    assert (tmp_path / "a.pt").is_file()


# what the comparison does not forgive


def test_without_adams_averages_the_comparison_fails(whole: Whole, tmp_path: Path) -> None:
    go(tmp_path, whole.recipe, 7)
    (path,) = states(tmp_path / "a-training")[-1:]
    gan, extra = load_checkpoint(path)
    for value in extra["training"]["parts"]["generator"]["state"].values():
        value["exp_avg"].zero_()
    save_checkpoint(gan, path, extra)
    go(tmp_path, whole.recipe)
    assert differing(whole.tensors, everything(tmp_path))


@pytest.mark.parametrize("draw", ["z of step 9", "order of epoch 2"])
def test_with_one_other_draw_the_comparison_fails(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draw: str
) -> None:
    go(tmp_path, whole.recipe, 7)
    rng = Context.rng
    monkeypatch.setattr(Context, "rng", lambda self, name: rng(self, f"other {name}" if name == draw else name))
    go(tmp_path, whole.recipe)
    assert differing(whole.tensors, everything(tmp_path))
