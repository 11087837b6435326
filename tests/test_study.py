"""One study, every checkpoint: what one way of running can do, the others can, and what is found stays found."""

import dataclasses

import pytest

import gan_probe
from gan_probe.api import DataRequest, Study
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.plugins import host
from gan_probe.runner import Run
from gan_probe.tasks import Task
from gan_probe.testing import tiny_gan

LOOKING = """
from dataclasses import dataclass
from gan_probe import Analysis, Measure, Options, Report, hookimpl, option
from gan_probe.data import DatasetSource, open_data

@dataclass(frozen=True)
class Named(Options):
    beside: str = option("mine", "a set to look at")

class Looking(Analysis):
    "Opens a further set."
    name = "looking"
    Options = Named
    needs = frozenset({"sample"})
    def run(self, gan, options, ctx):
        return Report(notes=[f"{gan.card.name} beside {ctx.open_data(options.beside, None).name}"])

@hookimpl
def register_analyses():
    return [Looking]

@hookimpl
def register_datasets():
    return [DatasetSource("mine", "The digits again.", lambda *_: open_data("digits"))]
"""
ODD = """
from dataclasses import dataclass
from gan_probe import Analysis, Options, Report, hookimpl, option

@dataclass(frozen=True)
class Odd(Options):
    count: int = option(3, "a number")
    def __post_init__(self):
        raise LookupError("no such number")

class Choosing(Analysis):
    "Has options that cannot be made."
    name = "choosing"
    Options = Odd
    needs = frozenset({"sample"})
    def run(self, gan, options, ctx):
        return Report()

@hookimpl
def register_analyses():
    return [Choosing]
"""


def study_of(name, *, wanted=None):
    return Study(Run(None, [Task(host().find(name))]), wanted or DataRequest())


def carded(training_data, seed=0):
    gan = tiny_gan(seed)
    gan.card = dataclasses.replace(gan.card, training_data=training_data)
    return gan


def test_the_data_that_a_card_names_are_found_and_go_with_every_later_checkpoint():
    study = study_of("linear-probe")
    assert study.find_data(carded("digits")).name == "digits"
    first, second = (study.run(tiny_gan(seed)) for seed in (0, 1))
    assert first.data == second.data == "digits"
    assert first.tasks[0].data is second.tasks[0].data is study.data
    assert study.wanted.spec == "digits"  # what a process of its own opens again


def test_data_that_are_asked_for_come_before_the_cards():
    study = study_of("linear-probe", wanted=DataRequest("toy-faces"))
    assert study.find_data(carded("digits")) is None
    assert study.data.name == "toy-faces"


@pytest.mark.parametrize(
    ("named", "analysis", "why"),
    [
        ("/etc", "linear-probe", "no registered set"),
        ("celeba", "linear-probe", "the card names celeba, but"),
        ("digits", "samples", ""),
    ],
)
def test_a_card_opens_no_path_downloads_nothing_and_is_not_asked_in_vain(tmp_path, named, analysis, why):
    study = study_of(analysis, wanted=DataRequest(root=tmp_path, download=True))
    assert study.find_data(carded(named)) is None
    assert study.data is None
    assert why in study.no_data if why else study.no_data == ""
    assert not list(tmp_path.iterdir())


def test_a_plan_runs_each_checkpoint_apart_from_the_others():
    study = study_of("linear-probe")
    lone, whole = study.run(tiny_gan()), study.run(tiny_gan(1))
    lone.errors.append(ValueError())
    lone.tasks.clear()
    assert whole.errors == study.plan.errors == []
    assert len(whole.tasks) == len(study.plan.tasks) == 1
    assert study.plan.gan is None


def test_python_compares_on_plugins_data_sets_as_it_runs_on_them(install):
    install("looking", LOOKING)
    assert gan_probe.run(tiny_gan(), "looking").notes == ["tiny beside digits"]
    report = gan_probe.compare([tiny_gan(), tiny_gan(1)], "looking")
    assert {row["analyses"] for row in report.table("checkpoints").rows} == {"ok"}


def test_options_that_fail_cost_a_comparison_no_other_result(install, gan_probe_command, tmp_path):
    install("choosing", ODD)
    for name in "ab":
        save_checkpoint(tiny_gan(ord(name)), tmp_path / f"{name}.pt")
    line = ("compare", tmp_path / "a.pt", tmp_path / "b.pt", "-p", "choosing", "-p", "samples", "--samples-count", 4)
    code, out, err = gan_probe_command(*line)
    assert code == 4, err
    assert "choosing refused" in out
    assert "LookupError: no such number" in err
