"""What an analysis does to the GAN, to libraries or to the process that it shares with others is put back, and said."""

import os
import random
import signal
import warnings

import numpy as np
import pytest
import torch

from gan_probe.runner import Run
from gan_probe.testing import tiny_gan

from ..made_analyses import analysis, crash, numbers


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
