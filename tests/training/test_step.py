"""The step against a reference written by hand: the tutorial's losses, autograd's gradients, Adam's formula."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from gan_probe.analysis import Context
from gan_probe.training import Recipe
from gan_probe.training.source import InMemory
from gan_probe.training.step import Measured, adam, adversarial_step
from gan_probe.training.untrained import untrained

from .bars import TINY, bars
from .weights import differing, weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from gan_probe.network import Network
    from gan_probe.training.recipe import Turn

Weights = dict[str, "Tensor"]
CLASSES = ("a", "b", "c")


def game(recipe: Recipe, seed: int = 0) -> tuple[Network, Network, Iterator[tuple[Tensor, Tensor, Tensor | None]]]:
    """Untrained networks in float64, and minibatches without end: images, latents and labels."""
    images = np.zeros((8, 16, 16, 1), np.uint8)
    labels = np.arange(8) % 3 if recipe.conditional else None
    gan, generator, discriminator = untrained(InMemory(images, labels, CLASSES), recipe, Context(seed))
    rng = np.random.default_rng(seed)

    def batches() -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        while True:
            pixels = rng.integers(0, 256, (8, 16, 16, 1), np.uint8)
            y = torch.from_numpy(rng.integers(0, 3, 8)) if recipe.conditional else None
            yield gan.from_uint8(pixels).double(), gan.latent(8, rng).double(), y

    return generator.double(), discriminator.double(), batches()


def tiny(**values: object) -> Recipe:
    return Recipe(width=3, z_size=4, learning_rate=1e-2, **values)  # type: ignore[arg-type]


class Adam:
    """Kingma and Ba's algorithm 1, with the release's regulariser: g += l2 * w."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.t = recipe, 0
        self.m: dict[str, Tensor | float] = {}
        self.v: dict[str, Tensor | float] = {}

    def __call__(self, network: Network, loss: Tensor) -> None:
        self.t += 1
        named = dict(network.named_parameters())
        for (name, w), g in zip(named.items(), torch.autograd.grad(loss, list(named.values())), strict=True):
            g = g + self.recipe.l2 * w.detach()
            self.m[name] = 0.5 * self.m.get(name, 0.0) + 0.5 * g
            self.v[name] = 0.999 * self.v.get(name, 0.0) + 0.001 * g**2
            m, v = self.m[name] / (1 - 0.5**self.t), self.v[name] / (1 - 0.999**self.t)
            w.data -= self.recipe.learning_rate * m / (v**0.5 + 1e-8)  # type: ignore[operator]


def plain_step(
    g: Network, d: Network, g_adam: Adam, d_adam: Adam, real: Tensor, z: Tensor, y: Tensor | None, turn: Turn
) -> Tensor:
    """The same step, one thing after another."""
    one, zero = torch.ones(len(z), 1).double(), torch.zeros(len(z), 1).double()
    bce = binary_cross_entropy_with_logits
    d_real, d_fake = d(real, y), d(g(z, y), y)
    d_loss, g_loss = bce(d_real, one) + bce(d_fake, zero), bce(d_fake, one)
    if turn != "generator":
        d_adam(d, d_loss)
    if turn == "both":
        g_loss = bce(d(g(z, y), y), one)
    if turn != "discriminator":
        g_adam(g, g_loss)
    return torch.stack([d_loss, g_loss, d_real.sigmoid().mean(), d_fake.sigmoid().mean()]).detach()


RECIPES = {
    "paper": tiny(),
    "alternating": tiny(updates="alternate"),
    "l2": tiny(l2=0.3),
    "release": tiny(recipe="release"),
    "release, conditional": tiny(recipe="release", conditional=True, dense=5),
    "paper, conditional, no batch norm, pooling": tiny(conditional=True, batch_norm="none", resampling="pooling"),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_four_steps_are_those_of_the_reference(recipe: Recipe) -> None:
    g, d, batches = game(recipe)
    reference_g, reference_d = copy.deepcopy(g), copy.deepcopy(d)
    optimisers = adam(g, recipe), adam(d, recipe)
    references = Adam(recipe), Adam(recipe)
    for step in range(1, 5):
        real, z, y = next(batches)
        turn = recipe.turn(step)
        expected = plain_step(reference_g, reference_d, *references, real, z, y, turn)
        measured = adversarial_step(g, d, *optimisers, real, z, y, turn=turn)
        torch.testing.assert_close(measured[:4], expected)
    for ours, theirs in ((g, reference_g), (d, reference_d)):
        for name, weight in ours.named_parameters():
            torch.testing.assert_close(weight, theirs.get_parameter(name), rtol=1e-6, atol=1e-9)


def test_the_reference_tells_an_l2_term_of_twice_the_size_apart() -> None:
    recipe = tiny(l2=0.3)
    g, d, batches = game(recipe)
    reference_g, reference_d = copy.deepcopy(g), copy.deepcopy(d)
    real, z, y = next(batches)
    plain_step(reference_g, reference_d, Adam(recipe), Adam(recipe), real, z, y, "both")
    adversarial_step(g, d, adam(g, tiny(l2=0.6)), adam(d, tiny(l2=0.6)), real, z, y)
    ours, theirs = next(d.parameters()), next(reference_d.parameters())
    assert (ours - theirs).abs().max() > 1e-3


def test_the_l2_term_is_the_gradient_of_half_the_sum_of_squares() -> None:
    # plain gradient descent shows it bare: Adam would hide its size
    recipe = tiny(l2=0.25)
    g, d, batches = game(recipe)
    twin = copy.deepcopy(d)
    real, z, _ = next(batches)
    descent = torch.optim.SGD(d.parameters(), lr=1.0, weight_decay=adam(d, recipe).param_groups[0]["weight_decay"])
    adversarial_step(g, d, adam(g, recipe), descent, real, z, turn="discriminator")
    fake = g(z).detach()
    one, zero = torch.ones(8, 1).double(), torch.zeros(8, 1).double()
    cost = binary_cross_entropy_with_logits(twin(real), one) + binary_cross_entropy_with_logits(twin(fake), zero)
    cost = cost + 0.25 / 2 * sum(w.square().sum() for w in twin.parameters())
    cost.backward()  # type: ignore[no-untyped-call]
    for name, weight in twin.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(d.get_parameter(name), weight - weight.grad)


@pytest.mark.parametrize(("turn", "moving"), [("both", {"g", "d"}), ("generator", {"g"}), ("discriminator", {"d"})])
def test_a_turn_updates_its_own_networks_and_no_other(turn: Turn, moving: set[str]) -> None:
    recipe = tiny()
    g, d, batches = game(recipe)
    before = copy.deepcopy(g), copy.deepcopy(d)
    adversarial_step(g, d, adam(g, recipe), adam(d, recipe), *next(batches), turn=turn)
    moved = {
        name
        for name, now, then in zip("gd", (g, d), before, strict=True)
        if any(not torch.equal(a, b) for a, b in zip(now.parameters(), then.parameters(), strict=True))
    }
    assert moved == moving


def test_training_by_turns_moves_one_network_at_a_time() -> None:
    recipe = tiny(recipe="release")
    g, d, batches = game(recipe)
    optimisers = adam(g, recipe), adam(d, recipe)
    moved = []
    for step in range(1, 5):
        before = next(g.parameters()).clone(), next(d.parameters()).clone()
        adversarial_step(g, d, *optimisers, *next(batches), turn=recipe.turn(step))
        moved.append([not torch.equal(a, next(net.parameters())) for a, net in zip(before, (g, d), strict=True)])
    assert moved == [[True, False], [False, True]] * 2


def test_labels_reach_every_layer_of_the_releases_conditional_networks() -> None:
    recipe = tiny(recipe="release", conditional=True, dense=5)
    g, d, batches = game(recipe)
    real, z, y = next(batches)
    assert y is not None
    d_loss = d(real, y).mean() + d(g(z, y), y).mean()
    d_loss.backward()
    for network in (g, d):
        for name, stage in zip((layer.name for layer in network.layers), network.stages, strict=True):
            assert stage.labels == 3
            gradient = network.get_parameter(f"{name}.op.weight").grad
            assert gradient is not None
            # the labels' weights are the last inputs of a layer
            axis = 0 if stage.op == "conv_transpose" else 1
            assert gradient.narrow(axis, gradient.shape[axis] - 3, 3).abs().max() > 0, name


def test_a_step_of_one_network_leaves_the_other_alone() -> None:
    images, _ = bars(16)
    for moving, rates in (("generator", (1e-3, 0.0)), ("discriminator", (0.0, 1e-3))):
        gan, generator, discriminator = untrained(InMemory(images), TINY, Context())
        before = {name: tensor.clone() for name, tensor in weights(gan).items()}
        adams = [
            torch.optim.Adam(net.parameters(), lr=rate)
            for net, rate in zip((generator, discriminator), rates, strict=True)
        ]
        z = gan.latent(16, np.random.default_rng(0))
        adversarial_step(generator, discriminator, adams[0], adams[1], gan.from_uint8(images), z)
        moved = differing(before, weights(gan))
        assert moved
        assert all(name.startswith(moving) for name in moved)


def test_losses_are_the_binary_cross_entropies() -> None:
    images, _ = bars(16)
    gan, generator, discriminator = untrained(InMemory(images), TINY, Context())
    frozen = [torch.optim.SGD(net.parameters(), lr=0.0) for net in (generator, discriminator)]
    real, z = gan.from_uint8(images), gan.latent(16, np.random.default_rng(0))
    measured = adversarial_step(generator, discriminator, frozen[0], frozen[1], real, z)
    with torch.no_grad():
        p_real, p_fake = discriminator(real).sigmoid(), discriminator(generator(z)).sigmoid()
    bce = torch.nn.functional.binary_cross_entropy
    one, zero = torch.ones_like(p_real), torch.zeros_like(p_real)
    expected = torch.stack([bce(p_real, one) + bce(p_fake, zero), bce(p_fake, one), p_real.mean(), p_fake.mean()])
    torch.testing.assert_close(measured[:4], expected)
    right = (p_real > 0.5).float().mean() + (p_fake < 0.5).float().mean()
    assert Measured(*measured).d_accuracy == right / 2
