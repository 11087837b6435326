"""The loop: what it learns, by which steps, and what it draws and counts on the way."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch

from gan_probe import network
from gan_probe.analysis import Context
from gan_probe.gan import GAN, Card
from gan_probe.training import loop
from gan_probe.training.loop import train
from gan_probe.training.source import InMemory
from gan_probe.training.untrained import untrained

from .bars import QUICK, TINY, bars, distance_to_bars, samples
from .weights import differing, weights


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


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, 1.0), (-0.3, 2.1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_made_on_the_device_are_those_made_before_to_the_bit(ends: tuple[float, float], channels: int) -> None:
    card = Card(name="x", format="x", image_size=16, channels=channels, value_range=ends)
    pixels = np.arange(4 * 16 * 16 * channels, dtype=np.uint64).astype(np.uint8).reshape(4, 16, 16, channels)
    made = loop.on_device(GAN(card), pixels, "cpu")
    assert torch.equal(made, GAN(card).from_uint8(pixels))
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert pixels.max() == 255  # all values of a byte


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others() -> None:
    images, _ = bars(64)
    first, again, other = (weights(train(images, TINY, seed=seed)[0]) for seed in (3, 3, 4))
    assert differing(first, again) == []
    assert differing(first, other)


def test_global_random_states_are_neither_read_nor_changed() -> None:
    images, _ = bars(64)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  # the legacy state is what must stay untouched
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
    first = weights(train(images, TINY)[0])
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # type: ignore[index] # noqa: NPY002
    torch.manual_seed(2)
    assert differing(first, weights(train(images, TINY)[0])) == []


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
    labelled, _ = train(images, TINY, labels=labels, classes=("a", "b"))
    assert differing(weights(train(images, TINY)[0]), weights(labelled)) == []


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
    assert gan.sample(gan.latent(4, np.random.default_rng(0))).isfinite().all()


def test_long_epochs_give_several_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ROW_STEPS", 3)
    _, history = train(bars(16 * 7)[0], TINY)
    assert [row.step for row in history.rows] == [3, 6, 7]
