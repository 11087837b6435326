"""Forgetting, where it is known which map draws what: the planted maps are found, dropped, and nothing else goes."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import gan_probe
from gan_probe import GAN, Card, Context
from gan_probe.data import Data, Split
from gan_probe.wrapped import Wrapped
from gan_probe_plugins.filter_dropout import detectors
from gan_probe_plugins.filter_dropout.detectors import errors, train_finder, train_judge
from gan_probe_plugins.filter_dropout.maps import chosen_layer, fit, inside
from gan_probe_plugins.filter_dropout.positions import covered, patches
from gan_probe_plugins.filter_dropout.tables import fewer, share_of

SIZE, MAPS = 16, 12
WINDOWS = (4, 7)  # the maps that draw a window, on the left or on the right
LAMP = 2  # the map that draws a lamp below, where z says so


class Planted(nn.Module):
    """A generator of 12 maps of 8x8: two draw a window, one a lamp, the others a texture everywhere."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.project = nn.Linear(6, MAPS * 64)
            self.paint = nn.ConvTranspose2d(MAPS, 1, 2, 2, bias=False)
        maps = torch.zeros(MAPS, 8, 8, 6)
        textures = [m for m in range(MAPS) if m not in (*WINDOWS, LAMP)]
        maps[textures, :, :, 2:] = 0.1 * torch.randn(MAPS - 3, 8, 8, 4, generator=torch.Generator().manual_seed(1))
        maps[WINDOWS[0], 1:4, 1:4, 0], maps[WINDOWS[1], 1:4, 4:7, 0] = 3, -3
        maps[LAMP, 6:8, 3:5, 1] = 3
        self.project.weight.data = maps.reshape(-1, 6)
        self.project.bias.data = torch.zeros(MAPS * 64)
        self.paint.weight.data = torch.full((MAPS, 1, 2, 2), 0.3)
        self.paint.weight.data[[*WINDOWS, LAMP]] = 2.0

    def forward(self, z):
        maps = torch.relu(self.project(z)).reshape(-1, MAPS, 8, 8)
        return torch.tanh(self.paint(torch.relu(self.mix(maps))) - 1)

    def mix(self, maps):
        return nn.functional.conv2d(maps, torch.eye(MAPS)[:, :, None, None])  # a layer that has positions


def planted():
    net = Wrapped(Planted().eval().requires_grad_(False), torch.zeros(2, 6))
    return GAN(Card(name="planted", format="test", image_size=SIZE, channels=1, z_size=6), net)


def truth(z):
    """The windows' boxes (N, 4) in pixels: on the left where z0 is above 0, else on the right."""
    left = z[:, 0].numpy() > 0
    return np.where(left[:, None], [2, 2, 8, 8], [8, 2, 14, 8]).astype(float)


@pytest.fixture
def boxes(tmp_path):
    """A COCO file of windows on 40 samples, as somebody would draw them."""
    corners = truth(Context().samples(planted(), 40).z)
    document = {
        "images": [{"id": i + 1, "file_name": f"sample-{i:06d}.png", "width": SIZE, "height": SIZE} for i in range(40)],
        "annotations": [
            {"id": i + 1, "image_id": i + 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            for i, (x0, y0, x1, y1) in enumerate(corners.tolist())
        ],
        "categories": [{"id": 1, "name": "window"}],
    }
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(document))
    return path


def drawn_rooms(n, rng):
    """Images of a window on either side or none, and a lamp or none, with the boxes of both."""
    window, lamp = rng.integers(0, 3, n), rng.random(n) < 0.5
    boxes = {"window": np.full((n, 4), np.nan), "lamp": np.full((n, 4), np.nan)}
    boxes["window"][window == 1], boxes["window"][window == 2] = (2, 2, 8, 8), (8, 2, 14, 8)
    boxes["lamp"][lamp] = 6, 12, 10, 16
    images = rng.integers(20, 60, (n, SIZE, SIZE, 1)).astype(np.uint8)
    for own in boxes.values():
        for image, box in zip(images, own, strict=True):
            if not np.isnan(box[0]):
                x0, y0, x1, y1 = box.astype(int)
                image[y0:y1, x0:x1] = rng.integers(120, 256)
    return images, boxes


def row(report, table, dropped):
    return next(r for r in report.table(table).rows if r["dropped"].startswith(dropped))


def maps_of(report):
    return json.loads(report.artifacts[0].content)


def test_the_planted_maps_are_the_strongest_and_dropping_them_changes_the_boxes_alone(boxes):
    report = gan_probe.run(planted(), "filter-dropout", boxes=str(boxes), top=2, samples=50, feature_space="pixels")
    none, chosen, random, *_ = report.table("regression").rows
    assert report.findings[0].startswith("No independent judge: the regression that chose the maps sees a window ")
    assert (
        f"of {none['probability']:.1%} (n = {none['n']}); without the 2 strongest maps it falls by "
        in report.findings[0]
    )
    assert f"by {100 * chosen['fall']:.1f} (" in report.findings[0]
    assert f"without 2 random ones by {100 * random['fall']:z.1f} (" in report.findings[0]
    chosen, random = row(report, "change", "2 strongest"), row(report, "change", "2 random")
    assert set(maps_of(report)["maps"][:2]) == set(WINDOWS)
    assert chosen["low"] > 100
    assert chosen["outside"] == 0
    assert random["inside"] < chosen["inside"] / 2
    assert row(report, "regression", "2 strongest")["at least"] > row(report, "regression", "2 random")["fall"]
    assert row(report, "change", "none")["inside"] == 0
    assert any("no independent judge" in note for note in report.notes)


def test_boxes_of_nothing_tell_less_than_boxes_of_windows(boxes):
    """The control of the choice: the same boxes shuffled among the samples are right on half of them, by chance."""
    options = {"boxes": str(boxes), "top": 2, "samples": 50, "draws": 3, "feature_space": "pixels"}
    windows = gan_probe.run(planted(), "filter-dropout", **options)
    document = json.loads(boxes.read_text())
    order = np.random.default_rng(3).permutation(40)
    for entry, other in zip(document["images"], order, strict=True):
        entry["file_name"] = f"sample-{other:06d}.png"
    boxes.write_text(json.dumps(document))
    shuffled = gan_probe.run(planted(), "filter-dropout", **options)
    assert row(shuffled, "regression", "none")["high"] < row(windows, "regression", "none")["low"]


def test_a_judge_says_that_windows_go_and_lamps_stay(monkeypatch):
    monkeypatch.setattr(detectors, "STEPS", 60)
    monkeypatch.setattr(detectors, "JUDGES", 2)
    images, known = drawn_rooms(1500, np.random.default_rng(0))
    split = Split.from_arrays("rooms", images)
    split = Split("rooms", split.pixels, boxes={name: own / SIZE for name, own in known.items()})
    data = Data("rooms", split)
    options = {"top": 2, "samples": 100, "draws": 5, "feature_space": "pixels"}
    found = gan_probe.run(planted(), "filter-dropout", data=data, **options)
    assert set(maps_of(found)["maps"][:2]) == set(WINDOWS)
    assert all(r["missed"] < 0.1 and r["imagined"] < 0.1 for r in found.table("detectors").rows)
    assert row(found, "forgotten", "2 strongest")["at least"] > 0.9
    assert abs(row(found, "forgotten", "2 random")["fewer"]) < 0.6
    assert found.table("against-random").rows[0]["low"] > 0
    assert row(found, "kept", "2 strongest")["kept"] > 0.95
    assert {measure.name: measure.value for measure in found.measures} == pytest.approx(
        {
            "seen-without": row(found, "forgotten", "2 strongest")["share"],
            "against-random": found.table("against-random").rows[0]["random minus chosen"],
        }
    )


def test_both_detectors_find_what_is_drawn_and_not_what_is_not(monkeypatch):
    monkeypatch.setattr(detectors, "STEPS", 60)
    monkeypatch.setattr(detectors, "JUDGES", 2)
    rng = np.random.default_rng(0)
    train, test = drawn_rooms(800, rng), drawn_rooms(300, rng)
    for train_one in (train_finder, train_judge):
        detector = train_one(*train, np.random.default_rng(1), lambda *_: None)
        assert all(e.missed.value < 0.05 and e.imagined.value < 0.05 for e in errors(detector, "x", *test))
        blank = np.full((4, SIZE, SIZE, 1), 40, np.uint8)
        assert not detector.present(blank).any()
        again = train_one(*train, np.random.default_rng(1), lambda *_: None)
        np.testing.assert_array_equal(again(test[0]), detector(test[0]))


def test_an_object_that_is_gone_from_all_samples_is_not_surely_gone_from_all_others():
    before = np.arange(100) < 40
    for draws in (1, 3):  # random maps that all take it, too
        fall, low, high = fewer(before, np.zeros((draws, 100), bool))
        assert (fall, high) == (1, 1)
        assert 0.85 < low < 0.95
    assert fewer(before & ~before, np.zeros((1, 100), bool)) is None


def test_maps_without_an_effect_have_an_interval_around_zero():
    before = np.arange(100) < 40
    fall, low, high = fewer(before, np.stack([before] * 3))
    assert -0.1 < low < fall == 0 < high < 0.1


def test_a_fall_by_random_maps_is_that_of_the_mean_and_ends_at_one():
    before = np.arange(60) < 30
    after = np.stack([before & (np.arange(60) % step == 0) for step in (2, 15, 30)])
    fall, low, high = fewer(before, after)
    assert fall == pytest.approx(1 - after.mean() / before.mean())
    assert low < fall < high == 1


@pytest.mark.parametrize("draws", [3, 5])
def test_a_relative_fall_by_few_random_maps_covers_that_of_other_maps_on_other_samples(draws):
    rng = np.random.default_rng(0)
    hits, repeats = 0, 300
    for _ in range(repeats):
        before = rng.random(300) < 0.5
        stays = rng.beta(6, 4, (draws, 1))  # of draws of maps, three fifths on average
        after = before & (rng.random((draws, 300)) < stays)
        _, low, high = fewer(before, after)
        hits += low <= 0.4 <= high
    assert 0.91 <= hits / repeats <= 0.985


def test_the_share_of_an_object_stays_between_zero_and_one_and_is_never_without_a_doubt():
    after = np.zeros((3, 20), bool)
    found = share_of(after)
    assert (found.value, found.low) == (0, 0)
    assert 0.1 < found.high < 0.2
    after[0, :3] = True
    found = share_of(after)
    assert found.low == 0 < found.value < found.high < 1
    one = share_of(np.array([[True], [False], [True]]))
    assert (one.low, one.high) == (0, 1)


def test_objects_that_stay_under_random_maps_cover_those_on_other_samples():
    rng = np.random.default_rng(1)
    hits, repeats = 0, 300
    for _ in range(repeats):
        firm = rng.random(40) < 0.6  # objects that stay whatever the maps; the others, half of the time
        after = firm | (rng.random((5, 40)) < 0.5)
        found = share_of(after)
        hits += found.low <= 0.8 <= found.high
    assert 0.91 <= hits / repeats <= 0.985


def test_positions_in_boxes_are_counted_as_by_drawing_them_finely():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(0, 32, (20, 2, 2)), axis=1).reshape(20, 4)  # x0, y0, x1, y1
    fine = np.zeros((20, 320, 320))
    for image, (x0, y0, x1, y1) in zip(fine, np.rint(corners * 10).astype(int), strict=True):
        image[y0:y1, x0:x1] = 1
    expected = fine.reshape(20, 8, 40, 8, 40).mean(axis=(2, 4))
    np.testing.assert_allclose(covered(list(corners[:, None]), 32, 8), expected, atol=0.03)


def test_a_box_smaller_than_a_position_still_has_one_inside():
    cover = covered([np.array([[1.0, 1, 2, 2]]), np.empty((0, 4))], 32, 4)
    assert inside(cover).sum(axis=(1, 2)).tolist() == [1, 0]


def test_patches_are_boxed_and_specks_left_out():
    mask = np.zeros((8, 8), bool)
    mask[1:3, 2:5] = mask[6, 6] = True
    np.testing.assert_array_equal(patches(mask, 2), [[2, 1, 5, 3]])
    assert len(patches(mask, 1)) == 2
    assert patches(~mask & mask, 1).shape == (0, 4)


def test_the_regression_agrees_with_the_difference_of_means_on_independent_maps():
    rng = np.random.default_rng(0)
    cover = np.zeros((200, 4, 4))
    cover[:, 1:3, 1:3] = 1
    maps = rng.standard_normal((200, 3, 4, 4))
    maps[:, 0] += 2 * cover
    maps[:, 1] -= cover
    model = fit(maps, cover, rng)
    assert model.order.tolist() == [0, 2, 1]
    assert model.weights[0] > -model.weights[1] > 5 * abs(model.weights[2])
    right = (model.probability(maps) > 0.5) == (cover > 0)
    assert right.mean() > 0.8


def test_the_second_highest_convolution_is_the_last_but_one_below_the_output():
    from gan_probe.testing import tiny_gan

    net = tiny_gan(image_size=32).generator
    assert [layer.name for layer in net.layers] == ["dense1", "deconv1", "deconv2", "deconv3"]
    assert chosen_layer(net, None).name == "deconv1"
    assert chosen_layer(net, "deconv2").name == "deconv2"


def test_what_is_missing_is_said_in_one_line(refused, boxes):
    from gan_probe.testing import tiny_gan

    def run(**options):
        gan_probe.run(options.pop("gan", planted()), "filter-dropout", **options)

    assert "gan-probe annotate" in refused(run)
    assert "no object 'door'" in refused(run, boxes=str(boxes), object="door")
    assert "not a hidden layer" in refused(run, boxes=str(boxes), layer="conv9")
    assert "--top is 99" in refused(run, boxes=str(boxes), top=99)
    assert "pass --object" in refused(run, data="toy-rooms", object="chimney")
    assert "pass --boxes" in refused(run, data="digits", gan=tiny_gan())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_toy_rooms_forgets_windows_and_keeps_most_of_the_rest():
    options = {"layer": "dense1", "top": 20, "samples": 500, "feature_space": "pixels"}
    found = gan_probe.run("toy-rooms-dcgan", "filter-dropout", **options)
    none, chosen, random = found.table("forgotten").rows[:3]
    assert none["low"] > 0.4
    assert chosen["fewer"] > 0.6
    assert random["fewer"] < 0.25
    assert found.table("against-random").rows[0]["low"] > 0
    kept = {r["object"]: r["kept"] for r in found.table("kept").rows if r["dropped"] == chosen["dropped"]}
    assert min(kept[thing] for thing in ("bed", "door", "picture")) > 0.8
    assert kept["lamp"] > 0.5  # it stands where the window hangs above it, and goes more often than by random maps
