"""The runner: needs, order, failures, and nothing that leaks from one analysis into the next."""

import os
import random
import signal
import warnings

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN, Analysis, BadInputError, Context, Report, Table, UsageError
from gan_probe.plugins import Registered
from gan_probe.runner import Run
from gan_probe.tasks import Task
from gan_probe.testing import tiny_data, tiny_gan


def analysis(body, name="probe-test", needs=frozenset({"sample"})):
    """An analysis that does `body(gan, ctx)`."""

    def run(_self, gan, _options, ctx):
        return body(gan, ctx) or Report()

    made = type("Made", (Analysis,), {"name": name, "needs": needs, "run": run, "__doc__": "Made by a test."})
    return Task(Registered(made, name, "tests 1.0"))


def numbers(gan, ctx):
    images = gan.sample(gan.latent(4, ctx.rng("z")))
    nets = gan.generator, gan.discriminator
    rows = [
        {
            "sum": float(images.sum()),
            "noise": float(ctx.rng("noise").random()),
            "steps": gan.card.training.get("steps", 0),
            "modules": ", ".join(name for net in nets for name, _ in net.named_modules()),
            "learns": all(p.requires_grad for net in nets for p in net.parameters()),
        }
    ]
    return Report(tables=[Table("numbers", rows)])


def zero_weights(gan, _):
    for p in gan.generator.parameters():
        p.data.zero_()


def cast(gan, _):
    gan.generator.double()


def leave_a_hook(gan, _):
    gan.generator.register_forward_hook(lambda *_: torch.zeros(1))


def train_mode(gan, _):
    gan.generator.train()


def forget_statistics(gan, _):
    gan.generator.statistics = None


def drop_a_network(gan, _):
    gan.discriminator = gan.generator = None


def another_card(gan, _):
    gan.card.training["steps"] = -1
    gan.card = None


def add_a_module(gan, _):
    gan.generator.add_module("more", torch.nn.Identity())
    gan.generator.wrap = 1


def replace_a_stage(gan, _):
    first = next(gan.generator.children())
    first.stage = None
    first.op = torch.nn.Identity()


def forward_of_its_own(gan, _):
    gan.generator.forward = lambda x, *_: x


def spectral_norm(gan, _):
    torch.nn.utils.parametrizations.spectral_norm(next(gan.generator.children()).op)


def hooks_of_every_kind(gan, _):
    net = gan.generator
    net.register_forward_pre_hook(lambda _, args, kwargs: ((args[0] * 0,), kwargs), with_kwargs=True)
    net.register_full_backward_pre_hook(lambda *_: None)
    net.register_full_backward_hook(lambda *_: None)


def freeze(gan, _):
    for p in gan.generator.parameters():
        p.requires_grad_(False)


def non_leaf(gan, _):
    for p in gan.generator.parameters():
        p.requires_grad_(False)
        p.mul_(torch.ones(1, requires_grad=True))


def deterministic(_gan, _ctx):
    torch.use_deterministic_algorithms(True)


def deaf(_gan, _ctx):
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def mute(_gan, _ctx):
    warnings.simplefilter("ignore")


def reseed(_gan, _ctx):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002  # what a careless plugin does
    random.seed(5)


def global_modes(_gan, _ctx):
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)


def move(_gan, _ctx):
    os.chdir("/")
    os.environ["OMP_NUM_THREADS"] = "99"


def leave(_gan, _ctx):
    raise SystemExit(0)


def crash(_gan, _ctx):
    raise ZeroDivisionError("division by zero")


def nonsense(_gan, _ctx):
    return {"accuracy": 1.0}


BAD = [
    zero_weights,
    cast,
    leave_a_hook,
    train_mode,
    forget_statistics,
    drop_a_network,
    another_card,
    add_a_module,
    replace_a_stage,
    forward_of_its_own,
    spectral_norm,
    hooks_of_every_kind,
    freeze,
    non_leaf,
    deterministic,
    deaf,
    mute,
    reseed,
    global_modes,
    move,
    leave,
    crash,
    nonsense,
]


def _hooks(gan):
    modules = [*gan.generator.modules(), *gan.discriminator.modules()]
    return [(name, len(value)) for m in modules for name, value in vars(m).items() if "hooks" in name]


@pytest.mark.parametrize("bad", BAD, ids=lambda f: f.__name__)
@pytest.mark.parametrize("place", [0, 1])
def test_a_bad_analysis_leaves_the_others_results_as_they_were(bad, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = Run(tiny_gan(), [analysis(numbers)]).start()["probe-test"].tables
    states = torch.get_rng_state(), random.getstate()
    process = signal.getsignal(signal.SIGINT), list(warnings.filters)
    both = [analysis(numbers), analysis(bad, "bad")]
    gan = tiny_gan()
    hooks = _hooks(gan)
    result = Run(gan, both if place else both[::-1]).start()
    assert _hooks(gan) == hooks
    assert (signal.getsignal(signal.SIGINT), list(warnings.filters)) == process
    assert not torch.are_deterministic_algorithms_enabled()
    assert (result["bad"].status == "ok") == (bad not in (leave, crash, nonsense)), result["bad"].error
    assert result["probe-test"].tables == alone
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert os.getcwd() == str(tmp_path)
    assert os.environ.get("OMP_NUM_THREADS") != "99"
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


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


def test_what_had_to_be_put_back_is_said_in_the_notes():
    result = Run(tiny_gan(), [analysis(zero_weights, "bad")]).start()
    assert any("weights" in note for note in result["bad"].notes)


def test_what_libraries_note_on_import_and_moments_are_nothing_to_put_back(monkeypatch):
    monkeypatch.delenv("KMP_INIT_AT_FORK", raising=False)

    def harmless(gan, _ctx):
        os.environ["KMP_INIT_AT_FORK"] = "FALSE"  # as scikit-learn does
        gan.generator.moments(torch.zeros(2, gan.card.z_size))
        gan.generator.register_full_backward_hook(lambda *_: None).remove()

    assert list(Run(tiny_gan(), [analysis(harmless)]).start()["probe-test"].notes) == []


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


def test_draws_depend_on_the_seed_and_their_name_alone():
    a, b = Context(seed=3), Context(seed=3)
    b.rng("something else").random(100)
    assert a.rng("z").random() == b.rng("z").random()
    assert a.rng("z").random() != a.rng("y").random()
    assert a.rng("z").random() != Context(seed=4).rng("z").random()
    assert torch.equal(*(torch.rand(3, generator=c.torch_generator("w")) for c in (a, b)))


def test_python_gets_the_report_or_the_original_error(install):
    report = gan_probe.run(tiny_gan(), "samples", count=9)
    assert report.figures[0].name == "grid"
    assert "<" in report._repr_html_()
    with pytest.raises(BadInputError, match="--count"):
        gan_probe.run(tiny_gan(), "samples", count=0)
    install(
        "crash",
        "from gan_probe import Analysis, hookimpl\n"
        "class A(Analysis):\n"
        "    'Crashes.'\n"
        "    name = 'crash'\n"
        "    def run(self, gan, options, ctx): return {}['missing']\n"
        "@hookimpl\n"
        "def register_analyses(): return [A]\n",
    )
    with pytest.raises(KeyError, match="missing"):
        gan_probe.run(None, "crash")


def test_the_record_names_the_device_that_was_used_and_the_versions():
    gan = tiny_gan()
    result = Run(gan, [analysis(numbers)], device="cuda").start()  # asked for, but the networks were not moved
    assert result.run["device"] == "cpu"
    assert set(result.run["versions"]) >= {"torch", "onnxruntime", "pillow"}
    assert Run(None, [analysis(lambda *_: Report(), needs=frozenset())], device="cuda").start().run["device"] == "cuda"


def test_from_python_a_gan_stays_where_it_is_unless_a_device_is_asked_for(monkeypatch):
    moved = []
    monkeypatch.setattr(GAN, "to", lambda gan, device: moved.append(device) or gan)
    gan_probe.run(tiny_gan(), "samples", count=4)
    assert moved == []
    gan_probe.run(tiny_gan(), "samples", count=4, device="cpu")
    assert moved == ["cpu"]
    with pytest.raises(BadInputError, match="'meta'"):
        gan_probe.run(tiny_gan(), "samples", device="meta")


def test_data_that_need_more_than_a_path_are_opened_first(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=images, pose=np.arange(40) % 2)
    data = gan_probe.open_data(tmp_path / "x.npz", labels="pose")
    report = gan_probe.run(tiny_gan(), "linear-probe", data=data, c="0.01", baselines="none")
    assert report.status == "ok"
    with pytest.raises(BadInputError, match="type ndarray"):
        gan_probe.run(tiny_gan(), "linear-probe", data=images)


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
