"""A training that was stopped and resumed is, to the bit, the one that never stopped."""

from __future__ import annotations

import dataclasses
import errno
import os
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch

from gan_probe import disk
from gan_probe.analysis import Context
from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.data import Data, Split
from gan_probe.errors import BadInputError, OutputError, StoppedError
from gan_probe.report.folder import MANIFEST
from gan_probe.training import Recipe, loop
from gan_probe.training.checkpoint import train_checkpoint
from gan_probe.training.grids import SampleGrids
from gan_probe.training.history import History, Row
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gan_probe.gan import GAN

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


def weights(gan: GAN) -> dict[str, torch.Tensor]:
    return {
        f"{role}/{name}": value
        for role in ("generator", "discriminator")
        for name, value in getattr(gan, role).state_dict().items()
    }


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


def differing(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> list[str]:
    assert a.keys() == b.keys()
    return [name for name in a if not torch.equal(a[name], b[name])]


def losses(history: History | None) -> list[Row]:
    """The rows of a history, less the speed."""
    assert history is not None
    return [dataclasses.replace(row, images_per_second=0.0) for row in history.rows]


class Whole(NamedTuple):
    recipe: Recipe
    tensors: dict[str, torch.Tensor]
    losses: list[Row]


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A training that never stopped."""
    recipe = dataclasses.replace(TINY, precision=request.param)
    history = go(folder := tmp_path_factory.mktemp(request.param), recipe)
    return Whole(recipe, everything(folder), losses(history))


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


def test_so_does_one_by_turns_with_a_moving_average_and_a_decay(tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, recipe="release", updates="alternate", ema=0.9, decay_epochs=1)
    go(tmp_path / "whole", recipe)
    for steps in (3, 4, 6):
        go(tmp_path / "parts", recipe, steps)
    go(tmp_path / "parts", recipe)
    assert differing(everything(tmp_path / "whole"), everything(tmp_path / "parts")) == []


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


def test_more_epochs_of_a_decaying_rate_are_refused(tmp_path: Path) -> None:
    decaying = dataclasses.replace(TINY, decay_epochs=2)
    stopped(tmp_path, 12, decaying)
    with pytest.raises(BadInputError, match="epochs 3, not 4"):
        begin(tmp_path, dataclasses.replace(decaying, epochs=4), resume=True)


def test_fewer_epochs_than_are_behind_are_refused(tmp_path: Path) -> None:
    begin(tmp_path)
    with pytest.raises(BadInputError, match="3 epochs behind it already: pass --epochs of at least that"):
        begin(tmp_path, dataclasses.replace(TINY, epochs=2), resume=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recipe": dataclasses.replace(TINY, batch_size=4)}, "batch_size 8, not 4"),
        ({"recipe": dataclasses.replace(TINY, precision="bfloat16")}, "precision float32, not bfloat16"),
        ({"seed": 1}, "seed 0, not 1"),
        ({"data": data(1)}, "images"),
        ({"data": data(n=44)}, "images"),
    ],
)
def test_a_state_of_another_training_is_refused_by_what_differs(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    stopped(tmp_path, 7)
    before = {path: path.read_bytes() for path in states(tmp_path / "a-training")}
    arguments = {"data": data(), "recipe": TINY, "out": tmp_path / "a.pt", "resume": True} | change
    with pytest.raises(BadInputError, match=named) as caught:
        train_checkpoint(**arguments)
    assert "--force" in str(caught.value)
    assert {path: path.read_bytes() for path in states(tmp_path / "a-training")} == before


def test_a_training_begun_is_neither_resumed_nor_replaced_unasked(tmp_path: Path) -> None:
    stopped(tmp_path, 7)
    with pytest.raises(OutputError, match="--resume to go on, or --force"):
        begin(tmp_path)
    begin(tmp_path, force=True, recipe=dataclasses.replace(TINY, epochs=1))
    assert [path.name for path in states(tmp_path / "a-training")] == ["step-000000000.pt", "step-000000005.pt"]


def test_where_there_is_nothing_to_resume_training_begins(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="nothing to resume: training begins"):
        begin(tmp_path, resume=True)
    assert "resumed" not in load_checkpoint(tmp_path / "a.pt")[0].card.training


def test_to_resume_replaces_no_checkpoint_that_it_could_not_go_on_from(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"precious")
    with pytest.raises(OutputError, match="already there: pass --force"):
        begin(tmp_path, resume=True)
    assert (tmp_path / "a.pt").read_bytes() == b"precious"


def test_a_training_killed_before_its_first_state_begins_again(tmp_path: Path) -> None:
    (tmp_path / "a-training" / "states").mkdir(parents=True)
    (tmp_path / "a-training" / MANIFEST).touch()
    with pytest.warns(UserWarning, match="nothing to resume"):
        begin(tmp_path, resume=True)
    assert (tmp_path / "a.pt").exists()


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


def test_a_damaged_state_is_passed_over_for_the_one_before_it(whole: Whole, tmp_path: Path) -> None:
    go(tmp_path, whole.recipe, 7, Keeping(save_every=0))
    newest = states(tmp_path / "a-training")[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="cut short"):
        go(tmp_path, whole.recipe)
    assert differing(whole.tensors, everything(tmp_path)) == []
    for path in states(tmp_path / "a-training"):
        path.write_bytes(b"PK")
    with pytest.raises(BadInputError, match="cut short"), pytest.warns(UserWarning, match="cut short"):
        go(tmp_path, whole.recipe)


def test_the_last_few_states_are_kept_and_half_written_files_are_not(tmp_path: Path) -> None:
    go(tmp_path, TINY, 7, Keeping(save_every=0, keep_last=3))
    assert [path.name for path in states(tmp_path / "a-training")] == [f"step-{n:09d}.pt" for n in (5, 6, 7)]
    litter = tmp_path / "a-training" / "states" / ".step-000000008.pt.abc.partial"
    litter.write_bytes(b"half")
    go(tmp_path)
    assert not litter.exists()


def test_checkpoints_of_chosen_epochs_are_what_a_shorter_training_gives(tmp_path: Path) -> None:
    keeping = Keeping(snapshots=(0.01, 0.5, 1), keep_every=2)
    go(tmp_path / "long", keeping=keeping)
    go(tmp_path / "short", dataclasses.replace(TINY, epochs=1))
    names = [f"epoch-{n}.pt" for n in ("0.01", "0.5", "1", "2")]
    kept = tmp_path / "long" / "a-training" / "checkpoints"
    assert sorted(path.name for path in kept.iterdir()) == names
    trained = [load_checkpoint(kept / name)[0] for name in names]
    assert [gan.card.training["steps"] for gan in trained] == [1, 2, 5, 10]
    result = load_checkpoint(tmp_path / "short" / "a.pt")[0]
    assert differing(weights(trained[2]), weights(result)) == []
    # a stop comes first, and whoever resumes makes the checkpoint
    go(tmp_path / "parts", stop=2, keeping=keeping)
    half = tmp_path / "parts" / "a-training" / "checkpoints" / "epoch-0.5.pt"
    assert not half.exists()
    go(tmp_path / "parts", keeping=keeping)
    assert differing(weights(load_checkpoint(half)[0]), weights(trained[1])) == []


def test_a_kept_checkpoint_knows_its_moment_and_the_data(tmp_path: Path) -> None:
    begin(tmp_path, keeping=Keeping(snapshots=(0.4, 2)), source="noise.zip", licence="CC0")
    result = load_checkpoint(tmp_path / "a.pt")[0].card
    kept = [load_checkpoint(tmp_path / f"a-training/checkpoints/epoch-{e}.pt")[0].card for e in ("0.4", "2")]
    assert [card.name for card in kept] == ["a, epoch 0.4", "a, epoch 2"]
    for card in kept:
        assert (card.training_data, card.licence) == ("noise.zip", "CC0")
        assert card.training["data"] == result.training["data"]
        assert "verdict" not in card.training  # it is of the whole training


def test_a_snapshot_behind_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--snapshots 5: training ends after 3 epochs"):
        begin(tmp_path, keeping=Keeping(snapshots=(1, 5)))


def test_a_training_that_diverges_names_its_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, taken = loop.adversarial_step, 0

    def poisoned(*arguments: Any) -> torch.Tensor:
        nonlocal taken
        taken += 1
        if taken == 7:
            with torch.no_grad():
                next(arguments[1].parameters())[0] = torch.nan
        return step(*arguments)

    monkeypatch.setattr(loop, "adversarial_step", poisoned)
    with pytest.raises(BadInputError, match="not finite") as caught:
        begin(tmp_path, keeping=Keeping(save_every=0))
    named = tmp_path / "a-training" / "states" / "step-000000006.pt"
    assert str(named) in str(caught.value)
    assert states(tmp_path / "a-training")[-1] == named
    gan, _ = load_checkpoint(named)
    assert gan.sample(gan.latent(4, np.random.default_rng(0)), torch.zeros(4, dtype=torch.int64)).isfinite().all()
    assert not (tmp_path / "a.pt").exists()


def test_a_full_disk_leaves_the_states_before_it_whole(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def full(descriptor: int) -> None:  # noqa: ARG001  # os.fsync's signature
        nonlocal written
        written += 1
        if written > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(disk.os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            go(tmp_path, whole.recipe, keeping=Keeping(save_every=0))
    kept = states(tmp_path / "a-training")
    assert [path.name for path in kept] == ["step-000000002.pt", "step-000000003.pt"]
    assert sorted(path.name for path in kept[0].parent.iterdir()) == [path.name for path in kept]
    go(tmp_path, whole.recipe)
    assert differing(whole.tensors, everything(tmp_path)) == []


def test_a_result_that_is_finished_is_made_again_from_its_last_state(tmp_path: Path) -> None:
    begin(tmp_path)
    first = everything(tmp_path)
    (tmp_path / "a.pt").unlink()
    begin(tmp_path, resume=True)
    assert differing(first, everything(tmp_path)) == []
