"""The toy worlds as named data sets: splits, attributes, boxes and labels."""

from __future__ import annotations

import numpy as np

from gan_probe import open_data
from gan_probe.data.worlds import toy_rooms


def test_a_world_is_a_named_set_whose_splits_share_no_image(world):
    data = open_data(world.name)
    assert (len(data.train), len(data.test)) == (50_000, 10_000)
    few = [split.subset(np.arange(300)).load(32, 3) for split in (data.train, data.test)]
    assert len(np.unique(np.concatenate([part.images for part in few]).reshape(600, -1), axis=0)) == 600
    scene = world.draw(300, 0, 32)
    np.testing.assert_array_equal(few[0].images, scene.images)
    np.testing.assert_array_equal(few[1].images, world.draw(300, 0, 32, start=50_000).images)
    assert data.train.native_shape() == (32, 3)
    assert few[0].images.shape[1:] == (32, 32, 3)
    assert data.train.subset(np.arange(2)).load(64, 1).images.shape == (2, 64, 64, 1)


def test_attributes_and_boxes_go_with_their_images():
    drawn = open_data("toy-rooms").train.take(50, np.random.default_rng(0))
    images = drawn.load(64, 3)
    scene = toy_rooms.at(drawn.indices, 0, 64)
    np.testing.assert_array_equal(images.images, scene.images)
    assert set(images.boxes) == set(scene.objects)
    for place, name in enumerate(scene.objects):
        np.testing.assert_allclose(images.boxes[name], scene.boxes[:, place], rtol=1e-6)
    for name, values in scene.attributes.items():
        np.testing.assert_array_equal(images.attributes[name], values)
    np.testing.assert_array_equal(images.labels, scene.attributes["window"])


def test_labels_name_one_factor_or_several(refused):
    faces = open_data("toy-faces").test
    assert faces.classes == ("neutral, no glasses", "neutral, glasses", "smiling, no glasses", "smiling, glasses")
    np.testing.assert_array_equal(
        faces.labels, 2 * (faces.attributes["smile"] > 0.5) + faces.attributes["glasses"].astype(int)
    )
    pose = open_data("toy-faces", labels="pose").test
    assert pose.classes == ("left", "front", "right")
    np.testing.assert_array_equal(pose.labels, np.sign(np.trunc(2 * pose.attributes["pose"])) + 1)
    assert "choose from smile" in refused(open_data, "toy-faces", labels="Smiling")
    assert "choose from bed" in refused(open_data, "toy-rooms", labels="bed_head")  # unseen where there is no bed
    assert "twice" in refused(open_data, "toy-rooms", labels="bed,bed")
    assert "cannot be drawn at 8 pixels" in refused(faces.load, 8, 3)
