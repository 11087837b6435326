from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from gan_probe import network
from gan_probe.analysis import Context
from gan_probe.errors import BadInputError
from gan_probe.gan import GAN, Card
from gan_probe.training import Recipe, loop
from gan_probe.training.loop import train
from gan_probe.training.source import InMemory
from gan_probe.training.step import Measured, adversarial_step
from gan_probe.training.untrained import untrained

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = Recipe(epochs=1, width=4, z_size=8, batch_size=16)
QUICK = dataclasses.replace(TINY, epochs=15, batch_size=32, learning_rate=2e-3)


def bars(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (N, 16, 16, 1) uint8, bright in the left (label 0) or right (label 1) half, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    images = np.full((n, 16, 16), 30.0)
    images[labels == 0, :, :8] = 220
    images[labels == 1, :, 8:] = 220
    images += rng.normal(0, 8, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8)[..., None], labels


def distance_to_bars(images: np.ndarray) -> float:
    """Mean over images (N, 16, 16, 1) of the RMS distance in grey values to the nearer of the two clean images."""
    clean = np.full((2, 16, 16, 1), 30.0)
    clean[0, :, :8] = clean[1, :, 8:] = 220
    differences = images[:, None].astype(float) - clean
    return float(np.sqrt((differences**2).mean(axis=(2, 3, 4))).min(axis=1).mean())


def weights(gan: GAN) -> dict[str, torch.Tensor]:
    assert isinstance(gan.generator, network.Network)
    assert isinstance(gan.discriminator, network.Network)
    return {
        f"{role}.{name}": tensor
        for role, net in (("g", gan.generator), ("d", gan.discriminator))
        for name, tensor in net.state_dict().items()
    }


def samples(gan: GAN, n: int = 64, labels: torch.Tensor | None = None) -> np.ndarray:
    return gan.to_uint8(gan.sample(gan.latent(n, np.random.default_rng(5)), labels, batch_size=n))


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_samples_come_to_look_like_the_data() -> None:
    images, _ = bars(512)
    before: list[float] = []

    def note(epoch: int, gan: GAN) -> None:
        if epoch == 0:
            before.append(distance_to_bars(samples(gan)))

    recipe = dataclasses.replace(QUICK, epochs=30, kernel=4)
    gan, history = train(images, recipe, on_epoch=note)
    pictures = samples(gan)
    assert distance_to_bars(pictures) < 0.75 * before[0]  # 0.55 to 0.7, by the number of threads
    left = pictures[:, :, :8].mean(axis=(1, 2, 3)) > pictures[:, :, 8:].mean(axis=(1, 2, 3))
    assert 0.1 < left.mean() < 0.9  # both kinds
    assert len(history.rows) == recipe.epochs


def test_without_a_learning_rate_nothing_is_learnt() -> None:
    images, _ = bars(512)
    gan, _ = train(images, dataclasses.replace(QUICK, learning_rate=0.0, epochs=2))
    fresh, *_ = untrained(InMemory(images), QUICK, Context(seed=0))
    learnt, initial = weights(gan), weights(fresh)
    assert all(
        torch.equal(learnt[name], initial[name]) for name in initial if "running" not in name and "num" not in name
    )
    assert distance_to_bars(samples(gan)) > 0.8 * distance_to_bars(samples(fresh))


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others() -> None:
    images, _ = bars(64)
    first, again, other = (weights(train(images, TINY, seed=seed)[0]) for seed in (3, 3, 4))
    assert equal(first, again)
    assert not equal(first, other)


def test_global_random_states_are_neither_read_nor_changed() -> None:
    images, _ = bars(64)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  # the legacy state is what must stay untouched
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
    first = weights(train(images, TINY)[0])
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # type: ignore[index] # noqa: NPY002
    torch.manual_seed(2)
    assert equal(first, weights(train(images, TINY)[0]))


def test_labels_choose_what_a_conditional_generator_draws() -> None:
    images, labels = bars(512)
    gan, _ = train(images, dataclasses.replace(QUICK, conditional=True), labels=labels, classes=("left", "right"))
    assert gan.card.classes == ("left", "right")
    assert "labels" in gan.gives
    for label, name in enumerate(gan.card.classes):
        pictures = samples(gan, 64, torch.full((64,), label)).astype(float)
        left = pictures[:, :, :8].mean(axis=(1, 2, 3)) > pictures[:, :, 8:].mean(axis=(1, 2, 3))
        assert (left if name == "left" else ~left).mean() > 0.95


def test_an_unconditional_recipe_ignores_the_datas_labels() -> None:
    images, labels = bars(64)
    assert equal(weights(train(images, TINY)[0]), weights(train(images, TINY, labels=labels, classes=("a", "b"))[0]))


def test_both_networks_take_one_step_for_every_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: dict[int, int] = {}
    step = torch.optim.Adam.step

    def counted(self: torch.optim.Adam, *args: object) -> object:
        steps[id(self)] = steps.get(id(self), 0) + 1
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    images, _ = bars(70)  # 4 batches of 16, and 6 images left out
    seen: list[tuple[int, int, str]] = []
    _, history = train(images, dataclasses.replace(TINY, epochs=2), progress=lambda *at: seen.append(at))
    assert list(steps.values()) == [8, 8]
    assert [at[:2] for at in seen] == [(i, 8) for i in range(1, 9)]
    assert re.fullmatch(r"epoch 2/2, [\d,]+ images/s", seen[-1][2])
    assert [(row.epoch, row.step) for row in history.rows] == [(1, 4), (2, 8)]


def test_a_decaying_rate_falls_from_step_to_step(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def noted(self: torch.optim.Adam) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    train(bars(64)[0], dataclasses.replace(TINY, epochs=2, decay_epochs=1, learning_rate=1e-3))
    assert rates[::2] == pytest.approx([1e-3] * 5 + [7.5e-4, 5e-4, 2.5e-4])
    assert rates[1::2] == rates[::2]  # both networks


def test_a_step_of_one_network_leaves_the_other_alone() -> None:
    images, _ = bars(16)
    for moving, rates in (("g.", (1e-3, 0.0)), ("d.", (0.0, 1e-3))):
        gan, generator, discriminator = untrained(InMemory(images), TINY, Context())
        before = {name: tensor.clone() for name, tensor in weights(gan).items()}
        adams = [
            torch.optim.Adam(net.parameters(), lr=rate)
            for net, rate in zip((generator, discriminator), rates, strict=True)
        ]
        z = gan.latent(16, np.random.default_rng(0))
        adversarial_step(generator, discriminator, adams[0], adams[1], gan.from_uint8(images), z)
        moved = {name for name, tensor in weights(gan).items() if not torch.equal(tensor, before[name])}
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


def test_initial_weights_have_the_papers_spread() -> None:
    gan, *_ = untrained(InMemory(bars(2)[0]), Recipe(width=32), Context())
    for name, tensor in weights(gan).items():
        if name.endswith("op.weight") and tensor.numel() > 1000:
            assert tensor.std().item() == pytest.approx(0.02, rel=0.05)
            assert abs(tensor.mean().item()) < 0.002


def test_final_statistics_are_those_of_real_images_in_d_and_of_samples_in_g() -> None:
    images, labels = bars(256)
    images = images[np.argsort(labels)]  # sorted by class, as several data sets are
    gan, _ = train(images, dataclasses.replace(QUICK, epochs=3))
    assert isinstance(gan.generator, network.Network)
    assert isinstance(gan.discriminator, network.Network)
    assert not gan.generator.training
    assert not gan.discriminator.training
    for net, x in (
        (gan.discriminator, gan.from_uint8(images)),
        (gan.generator, gan.latent(4096, np.random.default_rng(9))),
    ):
        whole, stored = net.moments(x), net.statistics
        assert stored is not None
        for name, moments in whole.items():
            spread = moments.variance.sqrt()
            assert ((stored[name].mean - moments.mean).abs() / spread).max() < 0.5
            assert (stored[name].variance / moments.variance).log().abs().max() < 0.7


def test_samples_of_the_trained_gan_do_not_depend_on_the_batch() -> None:
    gan, _ = train(bars(64)[0], TINY)
    z = gan.latent(10, np.random.default_rng(0))
    torch.testing.assert_close(gan.sample(z, batch_size=10), gan.sample(z, batch_size=3))


def test_the_card_says_how_it_was_trained() -> None:
    gan, _ = train(bars(40)[0], TINY, seed=7)
    assert gan.card.image_size == 16
    assert gan.card.channels == 1
    training = gan.card.training
    assert training["recipe"]["image_size"] == 16
    assert (training["seed"], training["epochs"], training["steps"], training["images"]) == (7, 1, 2, 40)
    assert Card.from_dict(gan.card.to_dict()) == gan.card


def test_fewer_images_than_a_batch_make_one_batch() -> None:
    gan, history = train(bars(5)[0], TINY)
    assert [row.step for row in history.rows] == [1]
    assert np.isfinite(samples(gan)).all()


def test_long_epochs_give_several_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ROW_STEPS", 3)
    _, history = train(bars(16 * 7)[0], TINY)
    assert [row.step for row in history.rows] == [3, 6, 7]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 16, 16, 1), np.float32), "uint8, not 4-dimensional float32"),
        (np.full((4, 16, 16, 1), np.nan), "uint8, not 4-dimensional float64"),
        (np.zeros((4, 16, 16), np.uint8), "uint8, not 3-dimensional uint8"),
        (np.zeros((4, 16, 18, 1), np.uint8), "16x18"),
        (np.zeros((4, 18, 18, 1), np.uint8), "image size 18"),
        (np.zeros((1, 16, 16, 1), np.uint8), "at least 2"),
        (np.zeros((0, 16, 16, 1), np.uint8), "at least 2"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_one_line(images: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        train(images, TINY)
    assert len(str(caught.value)) <= 200


def test_images_of_another_size_than_the_recipes_are_refused() -> None:
    with pytest.raises(BadInputError, match="16x16, the recipe's size is 32"):
        train(bars(4)[0], dataclasses.replace(TINY, image_size=32))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (None, ("a", "b"), "needs labels"),
        (np.zeros(4, int), (), "needs labels"),
        (np.zeros(3, int), ("a", "b"), r"\(4,\) integers"),
        (np.zeros(4), ("a", "b"), r"\(4,\) integers"),
        (np.array([0, 1, 2, 0]), ("a", "b"), "there are 2 classes"),
        (np.array([0, 1, -1, 0]), ("a", "b"), "there are 2 classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray | None, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        train(bars(4)[0], dataclasses.replace(TINY, conditional=True), labels=labels, classes=classes)


def test_training_that_diverges_stops_and_names_the_step() -> None:
    with pytest.raises(BadInputError, match="diverged: a loss is not finite at step 9; lower the learning rate"):
        train(bars(64)[0], dataclasses.replace(TINY, epochs=4), on_epoch=spoil(after=2))


def test_weights_that_overflow_in_the_last_step_are_neither_shown_nor_returned() -> None:
    began: list[GAN] = []
    shown: list[int] = []

    def note(epoch: int, gan: GAN) -> None:
        began.append(gan)
        shown.append(epoch)

    def overflow(done: int, total: int, _: str) -> None:
        if done == total:
            spoil(after=0)(0, began[0])

    with pytest.raises(BadInputError, match="diverged: a weight is not finite after step 8"):
        train(bars(64)[0], dataclasses.replace(TINY, epochs=2), on_epoch=note, progress=overflow)
    assert shown == [0, 1]


def spoil(after: int) -> Callable[[int, GAN], None]:
    def plant(epoch: int, gan: GAN) -> None:
        if epoch == after:
            assert isinstance(gan.discriminator, network.Network)
            with torch.no_grad():
                next(gan.discriminator.parameters())[0] = torch.inf

    return plant


def test_networks_beyond_memory_are_refused_before_they_are_built():
    images = np.zeros((4, 128, 128, 1), np.uint8)
    with pytest.raises(BadInputError, match="lower --width") as caught:
        train(images, Recipe(width=1024, z_size=65536))
    assert len(str(caught.value)) <= 200
