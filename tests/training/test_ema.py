from __future__ import annotations

import dataclasses

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gan_probe.analysis import Context
from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.network import Network
from gan_probe.training import Recipe
from gan_probe.training.ema import MovingAverage
from gan_probe.training.loop import train


def visited(values: list[float], decay: float) -> tuple[nn.Linear, MovingAverage]:
    net = nn.Linear(1, 1, bias=False)
    average = MovingAverage(net, decay)
    for value in values:
        nn.init.constant_(net.weight, value)
        average.update()
    return net, average


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=30), st.floats(0.01, 0.999))
def test_it_is_the_weighted_mean_of_the_weights_visited(values: list[float], decay: float) -> None:
    _net, average = visited(values, decay)
    twin = average.averaged()
    shares = decay ** np.arange(len(values))[::-1]
    np.testing.assert_allclose(twin.weight.item(), np.average(values, weights=shares), rtol=1e-4, atol=1e-4)


def test_it_goes_on_from_a_saved_state_to_the_bit() -> None:
    values = list(np.random.default_rng(0).normal(size=20))
    _, whole = visited(values, 0.9)
    _, first = visited(values[:7], 0.9)
    net, second = visited([3.0], 0.9)
    second.load_state_dict(first.state_dict())
    for value in values[7:]:
        nn.init.constant_(net.weight, value)
        second.update()
    assert second.updates == whole.updates == 20
    assert torch.equal(second.weights["weight"], whole.weights["weight"])


def test_its_state_can_be_saved_with_a_checkpoint(tmp_path) -> None:
    from gan_probe.testing import tiny_gan

    gan = tiny_gan()
    assert isinstance(gan.generator, Network)
    average = MovingAverage(gan.generator, 0.9)
    average.update()
    save_checkpoint(gan, tmp_path / "a.pt", {"ema": average.state_dict()})
    state = load_checkpoint(tmp_path / "a.pt")[1]["ema"]
    assert state["updates"] == 1
    assert torch.equal(state["weights"]["dense1.op.weight"], gan.generator.get_parameter("dense1.op.weight"))


def test_training_returns_the_average_of_g_and_the_last_d() -> None:
    images = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 1), np.uint8)
    recipe = Recipe(epochs=2, width=4, z_size=8, batch_size=16)
    raw, _ = train(images, recipe)
    averaged, _ = train(images, dataclasses.replace(recipe, ema=0.9))
    # the same training, watched at the end of each epoch
    seen: list[dict[str, torch.Tensor]] = []

    def note(_epoch: int, gan: object) -> None:
        seen.append({k: v.clone() for k, v in gan.generator.named_parameters()})  # type: ignore[attr-defined]

    train(images, dataclasses.replace(recipe, ema=0.9), on_epoch=note)
    for name, weight in raw.generator.named_parameters():  # type: ignore[union-attr]
        assert torch.equal(seen[-1][name], weight)  # averaging does not disturb the training
    gap = [
        float((a - b).detach().abs().max())
        for a, b in zip(averaged.generator.parameters(), raw.generator.parameters(), strict=True)  # type: ignore[union-attr]
    ]
    assert max(gap) > 1e-5
    assert all(
        torch.equal(a, b)
        for a, b in zip(averaged.discriminator.parameters(), raw.discriminator.parameters(), strict=True)  # type: ignore[union-attr]
    )
    assert "moving average, 0.9" in averaged.card.training["weights"]
    z = averaged.latent(2048, Context(3).rng("z"))
    found, stored = averaged.generator.moments(z), averaged.generator.statistics  # type: ignore[union-attr]
    for name, moments in found.items():  # the statistics are those of the averaged weights
        torch.testing.assert_close(stored[name].variance, moments.variance, rtol=0.5, atol=1e-4)  # type: ignore[index]
