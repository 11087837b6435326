"""A plugin's code runs at other moments, too: in its check, in its options, in its figures, in what it prints."""

from __future__ import annotations

import functools
import io
import sys
from dataclasses import dataclass

import pytest
import torch

from gan_probe import Analysis, GanProbeError, Options, Report, option
from gan_probe.cli.analyses import exit_code
from gan_probe.cli.progress import Progress
from gan_probe.lent_stream import LentStream, printing_aside
from gan_probe.patches import patches
from gan_probe.plugins import Registered
from gan_probe.runner import Run
from gan_probe.tasks import Task
from gan_probe.testing import tiny_data, tiny_gan


class Good(Analysis):
    """Does no harm."""

    name = "good"
    needs = frozenset({"sample"})

    def run(self, gan, options, ctx):  # noqa: ARG002  # the contract's signature
        return Report(notes=[f"{float(next(gan.generator.parameters()).abs().sum()):.6f}"])


def beside(kind, **more):
    """A run of the good analysis and of that one, and the good one's notes alone."""
    alone = Run(tiny_gan(), [Task(Registered(Good, "good", "theirs 1"))]).start()["good"].notes
    tasks = [Task(Registered(c, c.name, "theirs 1"), **more) for c in (kind, Good)]
    run = Run(tiny_gan(), tasks)
    return run, alone


def zero(gan, data):
    for p in gan.generator.parameters():
        p.data.zero_()
    data.train.labels[:] = 0


def leave(_gan, _data):
    sys.exit(0)


@pytest.mark.parametrize(("harm", "status"), [(leave, "refused"), (zero, "ok")])
def test_a_check_that_does_harm_costs_nobody_else_a_result(harm, status):
    class Checking(Good):
        """Does harm when it is asked."""

        name = "checking"

        def check(self, gan, options, data):  # noqa: ARG002
            harm(gan, data)

    data = tiny_data()
    run, alone = beside(Checking, data=data)
    result = run.start()
    assert result["checking"].status == status
    assert result["good"].notes == alone
    assert len(set(data.train.labels.tolist())) == 10


def test_options_that_fail_cost_nobody_else_a_result():
    @dataclass(frozen=True)
    class Odd(Options):
        count: int = option(3, "a number")

        def __post_init__(self):
            raise LookupError("no such number")

    class Choosing(Good):
        """Has options that cannot be made."""

        name = "choosing"
        Options = Odd

    run, alone = beside(Choosing)
    result = run.start()
    assert "LookupError: no such number" in result["choosing"].error
    assert result["good"].notes == alone


def test_a_report_that_cannot_be_written_after_all_costs_nobody_else_a_result():
    class Unwritable(Good):
        """Cannot be written."""

        name = "unwritable"

    def write(_whole, report):
        if report.name == "unwritable" and report.status == "ok":
            raise LookupError("no ink")

    run, alone = beside(Unwritable)
    result = run.start(write)
    assert result["unwritable"].status == "failed"
    assert result["unwritable"].error.startswith("LookupError: no ink")
    assert (result["good"].status, result["good"].notes) == ("ok", alone)


def test_no_error_of_a_plugin_says_which_exit_code_it_has():
    class FineError(GanProbeError):
        exit_code = 0

    class Claiming(Good):
        """Says that all is well."""

        name = "claiming"

        def run(self, gan, options, ctx):  # noqa: ARG002
            raise FineError("all is well")

    run = Run(tiny_gan(), [Task(Registered(Claiming, "claiming", "theirs 1"))])
    result = run.start()
    assert exit_code(run.errors, nothing_else=len(result.analyses) == 1) == 4


def test_what_is_printed_aside_reaches_standard_error_and_closes_nothing(capfd):
    with printing_aside():
        print("stray")
        sys.stdout.close()
        sys.stderr.close()
        print("more", file=sys.stderr)
    print("result")
    captured = capfd.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "stray\nmore\n"


def test_progress_shows_no_control_character(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", LentStream(terminal))
    with Progress() as progress:
        progress(1, 3, "\x1b]0;title\x07" + "x" * 500)
        progress(2, 3, "\x9b31m")
    shown = terminal.getvalue()
    assert "\\x1b]0;title\\x07xxx" in shown
    assert not set("\x07\x9b") & set(shown)
    assert "x" * 100 not in shown


def test_torch_still_sees_the_modes_of_its_user():
    with torch.inference_mode():
        Run(tiny_gan(), [Task(Registered(Good, "good", "theirs 1"))]).start()
        assert torch.is_inference_mode_enabled()


def test_what_torch_wraps_of_its_own_is_no_plugins_doing(monkeypatch):
    restore = patches()
    # as `import torch._dynamo` does, which the first step of an optimiser brings
    monkeypatch.setattr(torch, "manual_seed", torch._disable_dynamo(torch.manual_seed))
    assert restore() == ""
    monkeypatch.setattr(torch, "manual_seed", functools.wraps(torch.manual_seed)(lambda _: None))
    assert "torch.manual_seed" in restore()
