"""The runner: needs, order, failures, landings, and the record of a run."""

import pytest
import torch

from gan_probe import GAN, Analysis, BadInputError, Context, Report, UsageError
from gan_probe.plugins import Registered
from gan_probe.runner import Run
from gan_probe.tasks import Task
from gan_probe.testing import tiny_data, tiny_gan

from .made_analyses import analysis, crash, numbers


def test_a_failure_is_recorded_with_its_reason_and_the_run_goes_on():
    job = Run(tiny_gan(), [analysis(crash, "bad"), analysis(numbers)])
    result = job.start()
    assert [r.status for r in result.analyses] == ["failed", "ok"]
    assert result["bad"].error == "ZeroDivisionError: division by zero"
    assert isinstance(job.errors[0], ZeroDivisionError)


def test_a_broken_reference_fails_its_own_analysis_alone():
    broken = analysis(lambda *_: Report(methods="By [@one2016]."), "broken")
    broken.registered.analysis.references = ("@misc{one2016, title = {One}",)
    whole = analysis(lambda *_: Report(methods="By [@one2016]."), "whole")
    whole.registered.analysis.references = ("@misc{one2016, title = {One}}", "@misc{two2016, title = {Two}}")
    reports = Run(tiny_gan(), [broken, whole]).start().analyses
    assert [report.status for report in reports] == ["failed", "ok"]
    assert "reference 1: one2016: a comma or the closing brace is missing" in reports[0].error
    assert [text.partition(",")[0] for text in reports[1].references] == ["@misc{one2016"]


def test_results_land_one_by_one():
    seen = []
    job = Run(tiny_gan(), [analysis(numbers, "a"), analysis(crash, "b"), analysis(numbers, "c")])
    job.start(lambda whole, report: seen.append((report.name, len(whole.analyses))))
    assert seen == [("a", 1), ("b", 2), ("c", 3)]


def test_an_interrupt_stops_the_run_and_marks_what_has_not_ended():
    def interrupt(_gan, _ctx):
        raise KeyboardInterrupt

    seen = {}
    job = Run(tiny_gan(), [analysis(numbers, "a"), analysis(interrupt, "b"), analysis(numbers, "c")])
    with pytest.raises(KeyboardInterrupt):
        job.start(lambda whole, _: seen.update({r.name: r.status for r in whole.analyses}))
    assert seen == {"a": "ok", "b": "interrupted", "c": "interrupted"}


def test_a_result_whose_landing_was_interrupted_lands_again():
    landings = []

    def land(whole, report):
        landings.append((report.name, report.status, len(whole.analyses)))
        if len(landings) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(tiny_gan(), [analysis(numbers, "a"), analysis(numbers, "b")]).start(land)
    assert landings == [("a", "ok", 1), ("a", "ok", 1), ("b", "interrupted", 2)]


def test_a_discriminator_that_is_missing_is_asked_for_once():
    alone = GAN(tiny_gan().card, tiny_gan().generator, None)
    with pytest.raises(BadInputError, match=r"needs a discriminator whose layers can be read$"):
        Run(alone, [analysis(numbers, needs=frozenset({"discriminator", "layers"}))]).start()


def test_needs_that_are_not_met_are_refused_in_one_sentence():
    whole = tiny_gan()
    lone = GAN(whole.card, None, whole.discriminator)
    with pytest.raises(BadInputError, match="needs a generator"):
        Run(lone, [analysis(numbers)]).start()
    with pytest.raises(BadInputError, match="needs a checkpoint"):
        Run(None, [analysis(numbers)]).start()
    with pytest.raises(BadInputError, match="--data"):
        Run(whole, [analysis(numbers, needs=frozenset({"data"}))]).start()


def test_one_refusal_among_several_is_part_of_the_report():
    whole = tiny_gan()
    lone = GAN(whole.card, None, whole.discriminator)
    looks = analysis(lambda *_: Report(), "looks", frozenset({"discriminator"}))
    result = Run(lone, [analysis(numbers), looks]).start()
    assert [r.status for r in result.analyses] == ["refused", "ok"]


def test_no_checkpoint_is_asked_for_where_none_is_needed():
    result = Run(None, [analysis(lambda *_: Report(notes=["done"]), needs=frozenset())]).start()
    assert list(result.analyses[0].notes) == ["done"]


def test_analyses_say_beforehand_what_cannot_serve_them_and_are_left_out():
    class OnData(Analysis):
        """Is about data alone."""

        name = "on-data"
        needs = frozenset({"data"})

        def run(self, gan, options, ctx):  # noqa: ARG002  # the contract's signature
            return Report()

    class Fitting(OnData):
        """Can run."""

        name = "fitting"
        needs = frozenset({"sample"})

    class Particular(Fitting):
        """Asks for an option that nobody gave."""

        name = "particular"

        def check(self, gan, options, data):  # noqa: ARG002
            raise UsageError("particular needs --judges")

    class Broken(Fitting):
        """Has a bug in its check."""

        name = "broken"

        def check(self, gan, options, data):  # noqa: ARG002
            raise ZeroDivisionError

    kinds = (OnData, Fitting, Particular, Broken)
    chosen = [Task(Registered(a, a.name, "theirs 1"), data=tiny_data()) for a in kinds]
    assert [task.name for task in Run(tiny_gan(), chosen).fitting()] == ["fitting"]
    assert [task.name for task in Run(None, chosen).fitting()] == ["on-data"]
    run = Run(tiny_gan(), chosen)
    statuses = {report.name: report.status for report in run.start().analyses}
    assert statuses == {"on-data": "ok", "fitting": "ok", "particular": "refused", "broken": "refused"}
    assert [str(error) for error in run.errors] == [
        "particular needs --judges",
        "broken: its check failed, ZeroDivisionError:",
    ]
    with pytest.raises(UsageError, match="needs --judges"):
        Run(tiny_gan(), chosen[2:3]).check()


def test_draws_depend_on_the_seed_and_their_name_alone():
    a, b = Context(seed=3), Context(seed=3)
    b.rng("something else").random(100)
    assert a.rng("z").random() == b.rng("z").random()
    assert a.rng("z").random() != a.rng("y").random()
    assert a.rng("z").random() != Context(seed=4).rng("z").random()
    assert torch.equal(*(torch.rand(3, generator=c.torch_generator("w")) for c in (a, b)))


def test_the_record_names_the_device_that_was_used_and_the_versions():
    gan = tiny_gan()
    result = Run(gan, [analysis(numbers)], device="cuda").start()  # asked for, but the networks were not moved
    assert result.run["device"] == "cpu"
    assert set(result.run["versions"]) >= {"torch", "onnxruntime", "pillow"}
    assert Run(None, [analysis(lambda *_: Report(), needs=frozenset())], device="cuda").start().run["device"] == "cuda"
