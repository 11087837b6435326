"""What a training keeps on its way: states to go on from, checkpoints of chosen epochs, both whole whatever happens."""

from __future__ import annotations

import dataclasses
import errno
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from gan_probe import disk
from gan_probe.checkpoints.native import load_checkpoint
from gan_probe.errors import BadInputError, OutputError
from gan_probe.training import loop
from gan_probe.training.keeping import Keeping, states

from .stopping import TINY, Whole, begin, everything, go
from .weights import differing, weights

if TYPE_CHECKING:
    from pathlib import Path


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


def test_the_untrained_gan_is_kept_where_epoch_0_is_asked_for(tmp_path: Path) -> None:
    go(tmp_path, keeping=Keeping(snapshots=(0, 0.5)))
    kept = tmp_path / "a-training" / "checkpoints"
    steps = {path.name: load_checkpoint(path)[0].card.training["steps"] for path in kept.iterdir()}
    assert steps == {"epoch-0.pt": 0, "epoch-0.5.pt": 2}


def test_checkpoints_that_would_be_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"after 0\.01 and 0\.02 epochs would be one: an epoch has 5 steps"):
        go(tmp_path, keeping=Keeping(snapshots=(0.01, 0.02)))


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
