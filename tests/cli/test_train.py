"""`gan-probe train` as a user meets it: stopped, resumed, refused."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_probe.cli.progress import Progress
from gan_probe.training import loop

LINE = ["train", "--data", "data.npz", "--out", "a.pt", "--width", 2, "--z-size", 4, "--batch-size", 8, "--epochs", 2]


@pytest.fixture
def command(gan_probe_command: Any) -> Any:
    """The command line in a folder with 40 images."""
    rng = np.random.default_rng(0)
    np.savez("data.npz", images=rng.integers(0, 256, (40, 16, 16, 1), dtype=np.uint8))
    return gan_probe_command


def signal_at(monkeypatch: pytest.MonkeyPatch, steps: dict[int, list[signal.Signals]]) -> None:
    """Signals that arrive within the n-th step."""
    step, taken = loop.adversarial_step, 0

    def signalled(*arguments: Any) -> torch.Tensor:
        nonlocal taken
        taken += 1
        for number in steps.get(taken, []):
            signal.raise_signal(number)
        return step(*arguments)

    monkeypatch.setattr(loop, "adversarial_step", signalled)


def states() -> list[str]:
    return sorted(path.name for path in Path("a-training/states").iterdir())


def weights(path: str) -> dict[str, torch.Tensor]:
    content = torch.load(path, weights_only=True)
    return {f"{role}.{n}": t for role in ("generator", "discriminator") for n, t in content[role].items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_end_saves_and_exits_with_75(
    command: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        signal_at(patch, {3: [number]})
        code, out, err = command(*LINE)
    assert (code, out) == (75, "")
    assert "stopped after step 3 of 10, which is saved: the same command line with --resume goes on" in err
    assert states()[-1] == "step-000000003.pt"
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers

    code, out, err = command(*LINE)
    assert code == 5
    assert "pass --resume to go on, or --force to begin anew" in err
    assert command(*LINE, "--resume")[:2] == (0, "a.pt\n")
    Path("a.pt").rename("resumed.pt")
    assert command(*LINE, "--force")[0] == 0
    resumed, whole = weights("resumed.pt"), weights("a.pt")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_second_ctrl_c_stops_at_once_and_a_second_sigterm_changes_nothing(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal_at(monkeypatch, {3: [signal.SIGTERM, signal.SIGTERM], 5: [signal.SIGINT, signal.SIGINT]})
    assert command(*LINE)[0] == 75
    code, _, err = command(*LINE, "--resume")
    assert (code, err.splitlines()[-1]) == (130, "gan-probe: interrupted")
    assert states()[-1] == "step-000000003.pt"
    assert command(*LINE, "--resume")[0] == 0


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--resume", "--seed", 1], 3, "was begun with seed 0, not 1: resume with that, or begin anew with --force"),
        (["--resume", "--width", 3], 3, "was begun with width 2, not 3"),
        (["--resume", "--epochs", 1], 3, "pass --epochs of at least that"),
        (["--resume", "--force"], 2, "pass one of them"),
        (["--resume", "--keep-last", 0], 3, "--keep-last is 0; it must be at least 1"),
        (["--resume", "--snapshots", "1,x"], 3, "--snapshots needs a number, not 'x'"),
        (["--resume", "--snapshots", "-1"], 3, "--snapshots is -1.0; it must be at least 0"),
        (["--resume", "--save-every", "nan"], 3, "--save-every must be finite"),
    ],
)
def test_what_does_not_fit_a_training_begun_is_one_line(
    command: Any, monkeypatch: pytest.MonkeyPatch, more: list[object], code: int, message: str
) -> None:
    signal_at(monkeypatch, {7: [signal.SIGTERM]})
    assert command(*LINE)[0] == 75
    got, out, err = command(*LINE, *more)
    assert (got, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert len(err) <= 220


@pytest.mark.parametrize("bad", [1, 7])
def test_divergence_is_exit_code_3_names_a_checkpoint_that_opens_and_leaves_a_report(
    command: Any, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    step, taken = loop.adversarial_step, 0

    def poisoned(*arguments: Any) -> torch.Tensor:
        nonlocal taken
        taken += 1
        return step(*arguments) * (torch.nan if taken == bad else 1)

    monkeypatch.setattr(loop, "adversarial_step", poisoned)
    code, out, err = command(*LINE, "--save-every", 0)
    assert (code, out) == (3, "")
    named = f"a-training/states/step-{bad - 1:09}.pt"
    message = (
        f"training diverged: a loss is not finite at step {bad}; lower the learning rate; the last good checkpoint is"
    )
    assert err == f"gan-probe: {message} {named}\n"
    assert command("info", named)[0] == 0
    assert not Path("a.pt").exists()

    (analysis,) = json.loads(Path("a-training/report.json").read_text())["analyses"]
    assert (analysis["status"], analysis["error"]) == ("failed", f"{message} {named}")
    assert analysis["tables"][0]["title"] == f"Verdict: diverged at step {bad}"
    rows = Path("a-training/artifacts/training-losses.csv").read_text().splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == ([] if bad == 1 else ["5", "7"])  # the last: of step 6 alone
    assert not any("Batch norm" in note for note in analysis["notes"])
    page = Path("a-training/index.html").read_text()
    assert page.index("Failed.") < page.index("diverged at step")


def test_the_verdict_and_the_reports_place_are_told_on_standard_error(command: Any) -> None:
    code, out, err = command(*LINE)
    assert (code, out) == (0, "a.pt\n")
    words = "too early to tell after 10 steps, and too few images to judge variety"
    assert err == f"gan-probe: verdict: {words}; see a-training/index.html\n"


def test_help_has_the_recipe_and_what_is_kept_under_their_own_headings(command: Any) -> None:
    code, out, _ = command("train", "--help")
    assert code == 0
    assert "[default: ]" not in out
    places = [out.index(what) for what in ("Options:", "--out", "The recipe:", "--ema", "What is kept", "--keep-last")]
    assert places == sorted(places)


def test_checkpoints_on_the_way_open_like_any_other(command: Any) -> None:
    assert command(*LINE, "--snapshots", "0.5,1")[0] == 0
    for name in ("epoch-0.5.pt", "epoch-1.pt"):
        code, _, err = command("sample", f"a-training/checkpoints/{name}", "--count", 4, "--out", f"{name}.png")
        assert (code, err) == (0, "")


def test_tensorboard_gets_every_row(command: Any) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert command(*LINE, "--tensorboard")[0] == 0
    events = event_accumulator.EventAccumulator("a-training/events").Reload()
    assert [event.step for event in events.Scalars("training/d_loss")] == [5, 10]


def test_without_tensorboard_it_says_how_to_install_it(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    code, _, err = command(*LINE, "--tensorboard")
    assert code == 2
    assert "pip install 'gan-probe[tensorboard]'" in err
    assert not Path("a-training").exists()


def test_one_bar_shows_speed_and_time_left_of_a_resumed_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress() as progress:
        for step in range(501, 601):
            progress(step, 1000, f"epoch {step // 100 + 1}/10")
            bar = progress._bar
    assert bar.initial == 500  # 100 steps in this process, not 600
    assert (bar.n, bar.desc) == (600, "epoch 7/10: ")


def test_without_a_terminal_a_line_a_minute_tells_that_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr("gan_probe.cli.progress.time.monotonic", lambda: now)
    with Progress() as progress:
        for step in range(1, 1001):
            now += 0.25
            progress(step, 1000, "epoch\n1/1")
    said = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in said] == [f"{n} of 1,000" for n in (240, 480, 720, 960)]
    assert all(line.startswith("gan-probe: epoch") for line in said)
