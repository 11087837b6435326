from __future__ import annotations

import dataclasses
import io
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.data import open_data
from gan_probe.feature_space import open_space
from gan_probe.gan import GAN, Card
from gan_probe.measures.sample_set import sample_set
from gan_probe.network import Network
from gan_probe.report.check import check_report
from gan_probe.report.model import Report
from gan_probe.testing import tiny_gan
from gan_probe.training import Recipe
from gan_probe.training.loop import train
from gan_probe.training.monitor import EVERY, FRAMES, Monitor, due
from gan_probe.training.verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_probe.feature_space import FeatureSpace


class Drawer(GAN):
    """A GAN that draws noise seeded by its latents, cheaply, and counts its calls."""

    def __init__(self, size: int = 16, classes: tuple[str, ...] = ()) -> None:
        super().__init__(Card("drawer", "none", size, 1, classes=classes))
        self.calls: list[tuple[torch.Tensor, torch.Tensor | None]] = []

    def sample(self, z: torch.Tensor, labels: torch.Tensor | None = None, *_: int) -> torch.Tensor:
        """Images of grey levels from the latents."""
        self.calls.append((z, labels))
        side = self.card.image_size
        return z.repeat(1, -(-(side**2) // z.shape[1]))[:, : side**2].reshape(-1, 1, side, side).clamp(-1, 1)


def real(n: int = 120, size: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 1), dtype=np.uint8)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@given(st.integers(1, 10**7))
def test_looks_are_never_further_apart_than_an_eighth_of_the_way_or_256_steps(step: int) -> None:
    following = next(s for s in range(step + 1, step + EVERY + 1) if due(s))
    assert following - step <= min(EVERY, max(step, 1))
    if step >= 16:
        assert following - step <= step / 8 + 1


@pytest.mark.parametrize(("steps", "most"), [(10, 6), (100, 27), (1000, 53), (100_000, 450)])
def test_looks_are_few(steps: int, most: int) -> None:
    moments = [step for step in range(steps + 1) if due(step)]
    assert moments[:2] == [0, 1]
    assert len(moments) <= most


def watching(images: np.ndarray) -> Monitor:
    """A monitor in the space of pixels."""
    return Monitor(images, rng(), open_space("pixels", images.shape[1], images.shape[3]))


def test_every_look_is_at_the_same_latents() -> None:
    monitor, gan = watching(real()), Drawer()
    for step in range(20):
        monitor(step, gan)
    assert [look.step for look in monitor.looks] == [0, 1, 2, 4, 8, 16, 18]
    first = gan.calls[0][0]
    assert len(first) == 64
    assert all(torch.equal(first, z) for z, _ in gan.calls)


def test_a_conditional_gan_is_asked_for_every_class() -> None:
    gan = Drawer(classes=("a", "b", "c"))
    watching(real())(0, gan)
    labels = gan.calls[0][1]
    assert labels is not None
    assert torch.bincount(labels).min() >= 64 // 3


def test_frames_are_bounded_and_keep_the_first_and_the_latest() -> None:
    monitor, gan = watching(real(20)), Drawer()  # too few images to judge: cheap
    for step in range(0, 200_000, 64):
        monitor(step, gan)
    steps = sorted(monitor.frames)
    assert len(steps) == FRAMES
    assert (steps[0], steps[-1]) == (0, 199_936)
    assert steps[1] <= 256  # early ones are kept
    assert max(b - a for a, b in itertools.pairwise(steps)) < 199_936 / 15


def test_a_second_look_after_a_step_takes_the_place_of_the_first() -> None:
    monitor, gan = watching(real()), Drawer()
    monitor(4, gan)
    monitor.look(4, gan)
    assert [look.step for look in monitor.looks] == [4]


def test_samples_that_are_not_finite_are_passed_over() -> None:
    class Broken(Drawer):
        def sample(self, z: torch.Tensor, labels: torch.Tensor | None = None, *_: int) -> torch.Tensor:
            return super().sample(z, labels) * torch.nan

    monitor = watching(real())
    monitor(0, Broken())
    assert monitor.looks == []
    assert monitor.frames == {}


@pytest.mark.parametrize("n", [1, 2, 99])
def test_of_few_images_there_are_pictures_and_no_signals(n: int) -> None:
    monitor = watching(real(n))
    monitor(0, Drawer())
    assert monitor.looks == []
    assert len(monitor.frames) == 1
    assert monitor.signal_table().rows == monitor.measure_table().rows == []
    with pytest.raises(ValueError, match="too few real images"):
        monitor.signal_figure()


def test_one_that_was_stopped_and_resumed_equals_one_that_was_not() -> None:
    gan, whole, first, second = tiny_gan(), watching(real()), watching(real()), watching(real())
    for step in range(12):
        whole(step, gan)
        first(step, gan)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second.load_state_dict(torch.load(buffer, weights_only=True))
    for step in range(12, 40):
        whole(step, gan)
        second(step, gan)
    assert whole.looks == second.looks
    assert whole.frames.keys() == second.frames.keys()
    assert all(np.array_equal(frame, second.frames[step]) for step, frame in whole.frames.items())


def test_tables_and_figure_pass_the_checks_of_reports_and_name_the_space() -> None:
    monitor = watching(real())
    for step in range(100):
        monitor(step, Drawer())
    signals, measures, figure = monitor.signal_table(), monitor.measure_table(), monitor.signal_figure()
    assert signals.columns == ("step", "diversity", "kinds", "duplicates")
    assert signals.rows[-1]["step"] == 96
    assert [row["samples"] for row in measures.rows] == [
        *(f"step {step}" for step in (0, 1, 2, 4, 8, 16, 32, 64)),
        "real images",
    ]
    assert "the space pixels" in measures.caption
    assert "the space pixels" in figure.caption
    whole = monitor.measure_table(intervals=True).rows[-1]
    assert whole["coverage_low"] <= whole["coverage"] <= whole["coverage_high"]  # type: ignore[operator]
    assert set(measures.rows[-1]) < set(whole)
    check_report(Report(tables=[signals, measures], figures=[figure]))


def coarse() -> FeatureSpace:
    """A space of every fourth pixel."""

    def every_fourth(images: np.ndarray) -> np.ndarray:
        return images[:, ::4, ::4].reshape(len(images), -1).astype(np.float32)

    return dataclasses.replace(open_space("pixels", 16, 1), name="coarse", map=every_fourth)


def test_measures_of_another_space_leave_the_signals_and_the_recall_of_the_verdict_as_they_are() -> None:
    plain, other = watching(real()), Monitor(real(), rng(), open_space("pixels", 16, 1), coarse())
    for step in range(10):
        plain(step, Drawer())
        other(step, Drawer())
    assert [look.signals for look in plain.looks] == [look.signals for look in other.looks]
    assert [look.recall for look in plain.looks] == [look.recall for look in other.looks]
    assert plain.looks[-1].recall == plain.looks[-1].measures["recall"]
    assert plain.looks[-1].measures["fid"] != other.looks[-1].measures["fid"]
    table = other.measure_table()
    assert "the space coarse" in table.caption
    assert "the space pixels" in other.signal_figure().caption
    expected = sample_set(coarse()(real()[:60]), coarse()(real()[60:]))
    assert table.rows[-1]["kid"] == expected.samples.kid.value


def test_one_resumed_in_another_space_leaves_out_the_measures_of_the_first_and_says_so() -> None:
    first, second = watching(real()), Monitor(real(), rng(), open_space("pixels", 16, 1), coarse())
    for step in range(5):
        first(step, Drawer())
    second.load_state_dict(first.state_dict())
    for step in range(5, 9):
        second(step, Drawer())
    assert [look.signals for look in second.looks[:4]] == [look.signals for look in first.looks]
    assert [look.recall for look in second.looks[:4]] == [look.recall for look in first.looks]
    assert [row["samples"] for row in second.measure_table().rows] == ["step 8", "real images"]
    (note,) = second.notes
    assert note == "Measures until step 4 were taken in the space pixels, before this training was resumed: left out."
    third = Monitor(real(), rng(), open_space("pixels", 16, 1), coarse())
    third.load_state_dict(second.state_dict())
    assert third.notes == second.notes


def test_a_state_of_the_first_versions_can_be_resumed() -> None:
    first, second = watching(real()), watching(real())
    for step in range(5):
        first(step, Drawer())
    state = first.state_dict()
    looks = [{name: value for name, value in look.items() if name != "recall"} for look in state["looks"]]
    second.load_state_dict({"looks": looks, "frames": state["frames"]})
    assert [look.measures for look in second.looks] == [look.measures for look in first.looks]
    assert second.notes == ()


def test_looking_changes_nothing_in_the_training() -> None:
    images, recipe = real(64), Recipe(epochs=2, width=4, z_size=8, batch_size=16)
    plain, _ = train(images, recipe)
    watched, _ = train(images, recipe, on_step=watching(images))
    for a, b in ((plain.generator, watched.generator), (plain.discriminator, watched.discriminator)):
        assert isinstance(a, Network)
        assert isinstance(b, Network)
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def watched(epochs: int, plant: Callable[[int, Network], None] | None = None) -> Verdict:
    """The verdict on a small training on digits, 22 steps an epoch; `plant` may spoil G after each step."""
    images = open_data("digits").train.load(16, 1).images
    monitor = watching(images[np.random.default_rng(0).permutation(len(images))[:600]])

    def watch(step: int, gan: GAN) -> None:
        if plant is not None:
            assert isinstance(gan.generator, Network)
            plant(step, gan.generator)
        monitor(step, gan)

    recipe = Recipe(epochs=epochs, width=8, kernel=4, batch_size=64, learning_rate=2e-3)
    _, history = train(images, recipe, on_step=watch)
    return judge(history.rows, monitor.looks, monitor.reference)


def test_a_healthy_training_is_steady_and_one_whose_generator_ignores_z_collapses_on_time() -> None:
    def deaf(step: int, generator: Network) -> None:
        if step >= 330:
            next(generator.parameters()).data[:, 1:] = 0

    assert watched(24).kind == "steady"
    verdict = watched(24, deaf)
    assert verdict.kind == "collapsed"
    assert verdict.step is not None
    assert 330 <= verdict.step <= 330 + 330 / 8


def test_gradient_norms_and_accuracy_are_those_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []
    step = torch.optim.Adam.step

    def noted(self: torch.optim.Adam) -> object:
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.cat([g.flatten() for g in grads]).double().norm()))
        return step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    recipe = Recipe(epochs=2, width=4, z_size=8, batch_size=16)
    _, history = train(real(64), dataclasses.replace(recipe, epochs=1))
    (row,) = history.rows
    assert row.d_gradient == pytest.approx(np.mean(norms[::2]), rel=1e-5)
    assert row.g_gradient == pytest.approx(np.mean(norms[1::2]), rel=1e-5)
    assert 0 <= row.d_accuracy <= 1
