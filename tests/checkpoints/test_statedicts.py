"""Both networks are found in whatever a training script saves."""

from __future__ import annotations

import pytest
import torch

from gan_probe import load
from gan_probe.checkpoints.statedicts import chosen, find
from gan_probe.checkpoints.tensorfile import read

from .small_pair import small


def renamed(state, prefix: str):
    return {prefix + key: value for key, value in state.items()}


def lightning(g, d):
    return {"epoch": 3, "state_dict": renamed(g, "generator.") | renamed(d, "discriminator."), "optimizer_states": [{}]}


LAYOUTS = {
    "nested by role": lambda g, d: {"netG": g, "netD": d, "optimizerG": {"state": {0: {"step": torch.tensor(1.0)}}}},
    "state dicts by role": lambda g, d: {"generator_state_dict": g, "discriminator_state_dict": d, "epoch": 7},
    "lightning": lightning,
    "data parallel": lambda g, d: {"G": renamed(g, "module."), "D": renamed(d, "module.")},
    "compiled": lambda g, d: {"G": renamed(g, "_orig_mod.module."), "D": d},
    "averaged": lambda g, d: {"g": {k: v * 0 + 1 for k, v in g.items()}, "g_ema": g, "d": d},
    "one level more": lambda g, d: {"models": {"generator": {"params": g}, "discriminator": {"params": d}}},
    "by shape": lambda g, d: [d, g],
}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_both_networks_are_found_in_what_a_training_script_saves(tmp_path, name, old):
    states = {role: net.state_dict() for role, net in zip(("generator", "discriminator"), small(), strict=True)}
    torch.save(LAYOUTS[name](*states.values()), tmp_path / "ckpt.pt", _use_new_zipfile_serialization=not old)
    found = chosen(find(read(tmp_path / "ckpt.pt")[0]), None)
    assert found.keys() == states.keys()
    for role, state in states.items():
        assert found[role].tensors.keys() == state.keys()
        assert all(torch.equal(found[role].tensors[key], value) for key, value in state.items())
    if name in ("lightning", "data parallel", "averaged"):
        assert any("taken" in line for line in found["generator"].notes)


def test_a_checkpoint_of_a_training_script_opens(tmp_path):
    g, d = small()
    torch.save(lightning(g.state_dict(), d.state_dict()), tmp_path / "ckpt.pt")
    gan = load(tmp_path / "ckpt.pt")
    z, x = torch.randn(3, 16), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(gan.sample(z), g(z[:, :, None, None]).detach(), atol=1e-4, rtol=0)
    torch.testing.assert_close(gan.discriminator(x), d(x).detach(), atol=1e-4, rtol=0)
    assert any("prefix generator. was taken off" in line for line in gan.card.assumed)
