"""Two processes over gloo train the GAN that one process would."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_probe.errors import BadInputError, StoppedError
from gan_probe.training.distributed import Group, take_device
from gan_probe.training.loop import train

SCRIPT = Path(__file__).with_name("ranks.py")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes are forked, which this system cannot")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the two processes ended with."""
    folder = tmp_path_factory.mktemp("ranks")
    done = subprocess.run([sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def alone() -> dict[str, torch.Tensor]:
    """What one process makes of the whole minibatches."""
    spec = importlib.util.spec_from_file_location("ranks", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    gan, history = train(script.IMAGES, script.RECIPE, **script.GIVEN)
    found: dict[str, torch.Tensor] = script.weights(gan)
    return found | {"losses": torch.tensor([row.d_loss for row in history.rows])}


def largest_difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.mark.parametrize("way", ["together", "resumed"])
def test_both_processes_end_with_the_same_weights(ranks: list[dict[str, Any]], way: str) -> None:
    first, second = (rank[way] for rank in ranks)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_they_are_those_of_one_process_with_the_whole_minibatch(
    ranks: list[dict[str, Any]], alone: dict[str, torch.Tensor]
) -> None:
    assert largest_difference(alone, ranks[0]["together"]) < 1e-6


def test_without_common_moments_they_would_not_be(ranks: list[dict[str, Any]], alone: dict[str, torch.Tensor]) -> None:
    assert largest_difference(ranks[0]["apart"], alone) > 1e-5


def test_a_group_that_one_process_stopped_goes_on_to_the_same_weights(ranks: list[dict[str, Any]]) -> None:
    assert largest_difference(ranks[0]["resumed"], ranks[0]["together"]) == 0


def test_a_minibatch_that_cannot_be_shared_evenly_is_refused(ranks: list[dict[str, Any]]) -> None:
    assert [rank["uneven"] for rank in ranks] == [
        "2 processes cannot share 39 images evenly: choose another --batch-size"
    ] * 2


def test_processes_that_see_different_states_do_not_go_on(ranks: list[dict[str, Any]]) -> None:
    assert all("see the same files beside --out" in rank["at different steps"] for rank in ranks)


def test_shares_are_the_whole() -> None:
    for world in (1, 2, 4):
        shares = [list(range(12))[Group(rank, world).share(12)] for rank in range(world)]
        assert [item for share in shares for item in share] == list(range(12))


def test_each_process_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    current: list[str] = []
    monkeypatch.setattr("torch.cuda.set_device", current.append)
    monkeypatch.setattr("gan_probe.training.distributed.check_device", lambda name: name)
    assert take_device("cuda") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [take_device(name) for name in ("cuda", "cuda:0", "cpu")] == ["cuda:1", "cuda:0", "cpu"]
    assert current == ["cuda:1"]


@pytest.mark.skipif(torch.cuda.device_count() > 7, reason="there is such a GPU")
def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "7")
    with pytest.raises(BadInputError, match="cuda:7"):
        take_device("cuda")


def test_steps_beyond_what_float32_counts_are_told_to_be_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.all_reduce", lambda values: values.mul_(3))
    Group(0, 3).check_same(5_592_407)
    Group(0, 3).check_same(2**24 + 1)


def test_a_process_whose_fellow_has_ended_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: torch.Tensor) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr("torch.distributed.all_reduce", closed)
    with pytest.raises(StoppedError, match="another process of the group has ended"):
        Group(1, 2).any(True)
