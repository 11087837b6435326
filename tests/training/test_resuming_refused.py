"""A training goes on from a state of its own, begins where there is none, and replaces nothing unasked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from gan_probe.checkpoints.native import load_checkpoint
from gan_probe.errors import BadInputError, OutputError
from gan_probe.report.folder import MANIFEST
from gan_probe.training.checkpoint import train_checkpoint
from gan_probe.training.keeping import states

from .stopping import TINY, begin, data, stopped

if TYPE_CHECKING:
    from pathlib import Path


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
