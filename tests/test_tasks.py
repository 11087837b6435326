"""Tasks: what their results depend on, and what they do not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from gan_probe import Analysis, BadInputError, Options, Report, Table, option
from gan_probe.data import Data, Split
from gan_probe.plugins import Registered
from gan_probe.report import RunReport
from gan_probe.runner import Run
from gan_probe.tasks import Task, key_of
from gan_probe.testing import tiny_data, tiny_gan


@dataclass(frozen=True)
class CountOptions(Options):
    """Options of the counter."""

    n: int = option(1, "how many")
    file: str | None = option(None, "a file")


class Counter(Analysis):
    """Counts how often it was run."""

    name = "counter"
    needs = frozenset({"sample"})
    Options = CountOptions
    runs: list[int]

    def run(self, gan, options, ctx):  # noqa: ARG002  # the contract's signature
        self.runs.append(options.n)
        return Report(tables=[Table("t", [{"n": options.n, "data": ctx.data.name if ctx.data else "none"}])])


@pytest.fixture
def counter():
    Counter.runs = []
    return Registered(Counter, "counter", "tests 1.0")


@pytest.fixture
def gan():
    made = tiny_gan()
    made.card = dataclasses.replace(made.card, sha256="ab" * 32)
    return made


def pixels(value: int) -> Data:
    images = np.full((10, 8, 8, 1), value, np.uint8)
    return Data("grey", Split.from_arrays("grey train", images, np.arange(10) % 2, ("a", "b")))


def test_a_key_changes_with_all_that_a_result_depends_on(counter, gan, tmp_path):
    (tmp_path / "boxes").write_text("1")
    task = Task(counter, {"n": 2, "file": str(tmp_path / "boxes")}, pixels(1))
    key = key_of(task, gan, 0)
    assert len(key) == 64
    assert key_of(task, gan, 0) == key
    assert key_of(dataclasses.replace(task, data=pixels(1)), gan, 0) == key
    other = tiny_gan()
    other.card = dataclasses.replace(gan.card, sha256="cd" * 32)
    pinned = tiny_gan()
    pinned.card = dataclasses.replace(gan.card, z_distribution="normal")
    newer = Registered(Counter, "counter", "tests 1.1")
    found = {
        key,
        key_of(task, gan, 1),
        key_of(task, other, 0),
        key_of(task, pinned, 0),
        key_of(dataclasses.replace(task, data=pixels(2)), gan, 0),
        key_of(dataclasses.replace(task, data=None), gan, 0),
        key_of(dataclasses.replace(task, values={"n": 3}), gan, 0),
        key_of(dataclasses.replace(task, registered=newer), gan, 0),
    }
    (tmp_path / "boxes").write_text("2")
    found.add(key_of(task, gan, 0))
    assert len(found) == 9


def test_without_a_checkpoints_digest_there_is_no_key(counter):
    assert key_of(Task(counter), tiny_gan(), 0) == ""
    assert key_of(Task(counter), None, 0) == ""


def test_one_analysis_may_run_twice_under_two_names_on_other_data(counter, gan):
    tasks = [Task(counter, {"n": 1}, tiny_data(), name="first"), Task(counter, {"n": 2}, name="second", title="Again")]
    result = Run(gan, tasks).start()
    assert [r.table("t").rows[0]["n"] for r in result.analyses] == [1, 2]
    assert result["first"].table("t").rows[0]["data"] != "none"
    assert result["second"].table("t").rows[0]["data"] == "none"
    assert result["second"].title == "Again"
    assert result["second"].options == {"n": 2, "file": None}


def test_what_is_done_is_not_done_again(counter, gan):
    tasks = [Task(counter, {"n": n}, name=f"part-{n}") for n in (1, 2, 3)]
    job = Run(gan, tasks)
    job.resumable(None)
    earlier = job.start()
    Counter.runs.clear()
    changed = [dataclasses.replace(t, values={"n": 9}) if t.name == "part-2" else t for t in tasks]
    again = Run(gan, changed)
    done = again.resumable(earlier)
    seen = []
    result = again.start(lambda _, report: seen.append(report.name), done)
    assert sorted(done) == ["part-1", "part-3"]
    assert Counter.runs == [9]
    assert seen == ["part-1", "part-3", "part-2"]
    assert [r.name for r in result.analyses] == ["part-1", "part-2", "part-3"]  # in the tasks' order
    assert result["part-1"] is earlier["part-1"]


def test_a_failed_part_is_run_again(counter, gan):
    job = Run(gan, [Task(counter)])
    key = job.resumable(None) or job.keys["counter"]
    failed = RunReport({}, {}, [Report(name="counter", status="failed", key=key)])
    assert job.resumable(failed) == {}


def test_what_a_task_lacks_is_its_refusal_and_costs_nobody_else(counter, gan):
    lacking = Task(counter, name="lacking", missing="needs boxes: pass --boxes FILE")
    job = Run(gan, [lacking, Task(counter)])
    result = job.start()
    assert [r.status for r in result.analyses] == ["refused", "ok"]
    assert result["lacking"].error == "needs boxes: pass --boxes FILE"
    with pytest.raises(BadInputError, match="needs boxes"):
        Run(gan, [lacking]).start()


def test_the_summary_stands_first_and_is_made_anew_as_parts_end(counter, gan):
    seen = []

    def summary(parts):
        return Report(name="summary", notes=[", ".join(parts)])

    job = Run(gan, [Task(counter, name=n) for n in "ab"], summary=summary)
    job.start(lambda whole, _: seen.append([r.name for r in whole.analyses] + list(whole["summary"].notes)))
    assert seen == [["summary", "a", "a"], ["summary", "a", "b", "a, b"]]


def test_a_task_may_add_to_its_report(counter, gan):
    task = Task(
        counter, complete=lambda report: dataclasses.replace(report, notes=[f"{report.name} is {report.status}"])
    )
    assert Run(gan, [task]).start()["counter"].notes == ["counter is ok"]
