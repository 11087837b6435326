"""The walk: healthy generators go smoothly, those that memorised their images or were cut in two are found out."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gan_probe
from gan_probe import GAN, BadInputError, Card, Context
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import check_analysis, tiny_gan
from gan_probe_plugins.latent_walk import LatentWalk, LatentWalkOptions

MODELS = sorted(path.parent for path in (Path(__file__).resolve().parents[2] / "models").glob("*/model.safetensors"))
SIZE, Z = 16, 100


class Memory(torch.nn.Module):
    """Gives the image of the nearest of its latents; softly, a mixture of all, with weights exp(-sharpness d^2)."""

    def __init__(self, images=50, sharpness=None, seed=0, normal=False):
        super().__init__()
        rng = np.random.default_rng(seed)
        latents = rng.standard_normal((images, Z)) if normal else rng.uniform(-1, 1, (images, Z))
        self.latents = torch.nn.Parameter(torch.from_numpy(latents.astype(np.float32)), requires_grad=False)
        waves = rng.normal(size=(images, 1, SIZE, SIZE)).cumsum(2).cumsum(3)  # smooth, as photographs are
        waves = np.tanh(waves / waves.std(axis=(1, 2, 3), keepdims=True))
        self.images = torch.nn.Parameter(torch.from_numpy(waves.astype(np.float32)), requires_grad=False)
        self.sharpness = sharpness

    def forward(self, z, _labels=None):
        near = -torch.cdist(z, self.latents).square()  # (N, images)
        if self.sharpness is None:
            return self.images[near.argmax(dim=1)]
        mixed = torch.softmax(self.sharpness * near, dim=1) @ self.images.flatten(1)
        return mixed.reshape(-1, *self.images.shape[1:])


class Still(Memory):
    """Gives the same image for all latents, but for a hundredth of a grey level."""

    def forward(self, z, _labels=None):
        return self.images[:1] + 1e-4 * z[:, :1, None, None]


class Cut(Memory):
    """Blends two images smoothly, and leaps by a third where the first number of the latent changes its sign."""

    def forward(self, z, _labels=None):
        share = torch.sigmoid(z[:, 1:2, None, None])
        leap = (z[:, :1, None, None] > 0).float()
        return (self.images[:1] * share + self.images[1:2] * (1 - share)) / 2 + self.images[2:3] / 2 * leap


def handle(module, normal=False):
    card = Card("planted", "made by a test", SIZE, 1, z_size=Z, z_distribution="normal" if normal else "uniform")
    return GAN(card, module.eval())


def walked(gan, data=None, seed=0, **options):
    options = LatentWalkOptions(**{"feature_space": "pixels", "pairs": 10} | options)
    return LatentWalk().run(gan, options, Context(seed, data=data and gan_probe.open_data(data)))


def verdict(report, row=0):
    return report.table("verdict").rows[row]["verdict"]


def assert_alike(table, other):
    for row, again in zip(table.rows, other.rows, strict=True):
        for column, value in row.items():
            numeric = isinstance(value, float)
            assert again[column] == (pytest.approx(value, rel=1e-3, abs=1e-5) if numeric else value)


def shown(report):
    """Frames of the animation, by the time that it takes: equal frames are stored as one that stays longer."""
    film = Image.open(io.BytesIO(report.artifacts[0].content))
    milliseconds = 0
    for frame in range(film.n_frames):
        film.seek(frame)
        film.load()
        milliseconds += film.info["duration"]
    return (milliseconds - 2000) / 60 + 1  # the last one stays for two seconds


@pytest.fixture(scope="module")
def healthy():
    return walked(tiny_gan(z_size=Z))


def test_a_smooth_generator_is_called_smooth_and_its_memorising_twin_is_not(healthy):
    assert [row["verdict"] for row in healthy.table("verdict").rows] == ["smooth", "smooth", "sharp transitions"]
    assert healthy.findings[0].startswith("Smooth. In 8 legs, half of a leg's change takes ")
    faded, memorised = healthy.table("verdict").rows[1:]
    assert f"controls: cross-fades {faded['half in']:.1%} and 0.00; 50 memorised samples " in healthy.findings[0]
    assert f" {memorised['sharp a leg']:.2f}. Intervals: 95 %." in healthy.findings[0]
    assert all(row["sharp"] == "no" for row in healthy.table("places").rows)


def test_a_cross_fade_is_even_and_shuffled_frames_are_far_apart(healthy):
    steps = {row["path"]: row for row in healthy.table("steps").rows}
    faded = next(row for row in healthy.table("verdict").rows if "cross-faded" in row["path"])
    assert faded["half in"] == pytest.approx(0.5, abs=1e-4)
    assert steps["control: samples cross-faded"]["peak"] == pytest.approx(1, abs=1e-3)
    assert "Intervals: 95 %, Student's t over legs." in healthy.table("steps").caption
    assert steps["control: shuffled"]["mean step"] > 5 * steps["the walk"]["high"]
    assert steps["control: 50 memorised"]["peak"] is None  # most of its steps change nothing


@pytest.mark.parametrize("normal", [False, True])
def test_a_generator_that_memorised_fifty_images_is_called_out(normal):
    report = walked(handle(Memory(normal=normal), normal))
    assert verdict(report) == "sharp transitions"
    assert report.findings[0].startswith("Sharp transitions: memorisation or collapse suspected. In 8 legs, half")
    sharp = [row for row in report.table("places").rows if row["sharp"] == "yes"]
    assert len(sharp) == round(8 * report.table("verdict").rows[0]["sharp a leg"])
    assert all(row["left"] > 0.9 for row in sharp)


@pytest.mark.parametrize(("sharpness", "called"), [(0.3, False), (3.0, True)])
def test_a_softened_memory_is_called_out_once_it_is_nearly_one(sharpness, called):
    assert (verdict(walked(handle(Memory(sharpness=sharpness)))) == "sharp transitions") == called


def test_the_leaps_of_a_generator_cut_in_two_are_found_where_they_are():
    gan = handle(Cut())
    report = walked(gan)
    z = np.load(io.BytesIO(next(a.content for a in report.artifacts if a.name == "z.npy")))
    crossed = [(leg + 1, a / (a - b)) for leg, (a, b) in enumerate(zip(z[:-1, 0], z[1:, 0], strict=True)) if a * b < 0]
    found = [(row["leg"], row["at"]) for row in report.table("places").rows if row["sharp"] == "yes"]
    assert len(crossed) >= 3
    assert [leg for leg, _ in found] == [leg for leg, _ in crossed]
    np.testing.assert_allclose([at for _, at in found], [at for _, at in crossed], atol=1 / 384)
    assert verdict(report) == "sharp transitions"


def test_a_generator_that_gives_one_image_stands_still():
    report = walked(handle(Still()))
    assert verdict(report) == "stands still"
    assert report.findings == ["Stands still: collapse suspected. In 8 legs all frames are one image, to a grey level."]
    assert not any("found out" in note for note in report.notes)


def test_where_even_a_memory_does_not_leap_the_report_says_that_it_cannot_tell():
    class Rare(Memory):
        def forward(self, z, _labels=None):
            return self.images[:1] + 20 * torch.relu(z[:, :1, None, None] - 0.98)

    def unseen(seed):  # by the fifty samples that the control has learnt, but not by the walk
        changes = Context(seed=seed).samples(gan, 70).z[:, 0] > 0.98
        return changes[:9].any() and not changes[20:].any()

    gan = handle(Rare())
    report = walked(gan, seed=next(seed for seed in range(1000) if unseen(seed)))
    assert [verdict(report, row) for row in (0, 2)] == ["sharp transitions", "stands still"]
    assert any("was not found out" in note for note in report.notes)


def test_of_a_walk_on_which_one_leg_changes_no_half_is_told():
    class OneLeg(Memory):
        def forward(self, z, _labels=None):
            return self.images[:1] + 20 * torch.relu(z[:, :1, None, None] - 0.9)

    def alone(seed):  # the first latent of the walk changes the image, and no other does
        changes = Context(seed=seed).samples(gan, 9).z[:, 0] > 0.9
        return changes[0] and not changes[1:].any()

    gan = handle(OneLeg())
    report = walked(gan, seed=next(seed for seed in range(1000) if alone(seed)))
    assert report.table("verdict").rows[0]["half in"] is None
    assert ". In 8 legs, fewer than two change, and " in report.findings[0]


def test_the_path_length_of_a_linear_generator_is_known():
    class Linear(Memory):
        def forward(self, z, _labels=None):
            return z[:, :1, None, None].expand(-1, 1, SIZE, SIZE) / 2

    report = walked(handle(Linear()), pairs=2000)
    row = report.table("path-length").rows[0]
    # pixels from 0 to 1 are 1/2 + z/4, and two uniform numbers on [-1, 1] differ by 2/3 squared, on average
    assert row["low"] < 2 / 3 / 16 < row["high"]
    assert row["high"] - row["low"] < 0.15 * row["path length"]


def test_it_keeps_the_contract_and_batch_size_has_no_influence():
    report = check_analysis(LatentWalk, feature_space="pixels", pairs=10, points=3)
    assert [table.name for table in report.tables] == ["verdict", "places", "steps", "path-length"]


def test_a_conditional_generator_walks_with_one_label_a_row():
    gan = tiny_gan(classes=3)
    report = walked(gan, points=4)
    assert "each row with one label" in report.figures[0].caption
    assert shown(report) == 3 * 25  # ends are not shared: the label changes there
    z = torch.from_numpy(np.load(io.BytesIO(report.artifacts[1].content)))
    corner = gan.to_uint8(gan.sample(z[:3], torch.arange(3)))[:, :, :, 0]
    grid = report.figures[0].content
    for row in range(3):
        top = 2 + row * 18
        np.testing.assert_allclose(grid[top : top + 16, 2:18, 0].astype(int), corner[row], atol=1)


def test_the_animation_shows_every_frame_once(healthy):
    assert shown(healthy) == 8 * 24 + 1


def test_an_onnx_generator_walks_like_the_network_it_came_from(tmp_path, healthy):
    export_onnx(tiny_gan(z_size=Z), tmp_path)
    report = walked(gan_probe.load(generator=tmp_path / "generator.onnx"))
    for table in ("verdict", "steps"):
        assert_alike(healthy.table(table), report.table(table))


def test_images_are_cross_faded_where_there_are_data(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, SIZE, SIZE), np.uint8)
    np.savez(tmp_path / "noise.npz", images=images)
    report = walked(tiny_gan(), data=tmp_path / "noise.npz")
    steps = {row["path"]: row for row in report.table("steps").rows}
    # fades of independent uniform pixels: the root mean square difference of two is 255 / sqrt(6)
    assert steps["control: real cross-faded"]["mean step"] == pytest.approx(255 / 6**0.5 / 24, rel=0.05)
    with pytest.raises(BadInputError, match="40 images to cross-fade: lower --points"):
        walked(tiny_gan(), data=tmp_path / "noise.npz", points=41)


def test_distances_are_measured_in_a_feature_space_too(tmp_path):
    judge, file = tiny_gan(seed=5), tmp_path / "judge.pt"
    save_checkpoint(judge, file)
    report = walked(tiny_gan(), feature_space=f"d:{file}", points=3)
    spaces = list(dict.fromkeys(row["distance in"] for row in report.table("steps").rows))
    assert spaces[0] == "pixels"
    assert spaces[1].startswith("d:judge:")
    assert {row["distance in"] for row in report.table("path-length").rows} == set(spaces)
    with pytest.raises(BadInputError, match="judged GAN's own"):
        walked(judge, feature_space=f"d:{file}")


def test_without_the_default_feature_space_distances_are_in_pixels_and_a_note_says_so(monkeypatch):
    from gan_probe.feature_space import names

    monkeypatch.setitem(names.DEFAULTS, 1, "no-such-dcgan")
    report = walked(tiny_gan(), feature_space="default", points=3)
    assert {row["distance in"] for row in report.table("steps").rows} == {"pixels"}
    assert any(note.startswith("Pixels stand in for the default feature space: ") for note in report.notes)


def test_a_generator_alone_is_enough():
    gan = tiny_gan()
    assert verdict(walked(dataclasses.replace(gan, discriminator=None), points=4)) == "smooth"


SEEDS = 20


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_no_walk_of_twenty_through_a_healthy_generator_is_called_out(folder):
    gan = gan_probe.load(folder)
    if gan.generator is None:
        pytest.skip(f"{folder.name} is a discriminator alone")
    reports = [walked(gan, seed=seed) for seed in range(SEEDS)]
    assert [verdict(report) for report in reports] == ["smooth"] * SEEDS
    assert [verdict(report, 2) for report in reports] == ["sharp transitions"] * SEEDS  # its memorising twin is


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("normal", [False, True])
@pytest.mark.parametrize("images", [10, 50, 1000])
def test_every_walk_of_twenty_through_a_memory_is_called_out(images, normal):
    found = [verdict(walked(handle(Memory(images, seed=s, normal=normal), normal), seed=s)) for s in range(SEEDS)]
    assert found == ["sharp transitions"] * SEEDS


# One image has more than nine tenths of the mixture on 0 %, 58 % and 81 % of such walks.
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("sharpness", "fewest", "most"), [(0.3, 0, 0), (2.0, 18, 20), (5.0, 20, 20)])
def test_a_softened_memory_is_called_out_from_a_sharpness_on(sharpness, fewest, most):
    found = [verdict(walked(handle(Memory(sharpness=sharpness, seed=s)), seed=s)) for s in range(SEEDS)]
    assert fewest <= found.count("sharp transitions") <= most
