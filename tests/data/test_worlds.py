"""The toy worlds: every image again and again the same, and their truth true to the pixel."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.data.worlds import toy_faces, toy_rooms

MANY = np.arange(20_000)

# What is cut out of an image, and the pins that take it away and bring it back.
OBJECTS = [
    *((toy_rooms, name, {name: False}, {name: True}) for name in ("bed", "window", "door", "lamp", "picture")),
    (toy_faces, "glasses", {"glasses": False}, {"glasses": True}),
    (toy_faces, "mouth", {"smile": 0.0}, {"smile": 1.0}),
]
objects = pytest.mark.parametrize(
    ("world", "name", "without", "with_it"), OBJECTS, ids=[f"{case[0].name}-{case[1]}" for case in OBJECTS]
)


@settings(max_examples=20, deadline=None)
@given(
    world=st.sampled_from([toy_rooms, toy_faces]),
    indices=st.lists(st.integers(0, 2**40), min_size=1, max_size=70),
    seed=st.integers(-(2**70), 2**70),
    data=st.data(),
)
def test_an_image_is_the_same_in_any_batch_and_any_order(world, indices, seed, data):
    batch = world.at(np.array(indices), seed, 16)
    place = data.draw(st.integers(0, len(indices) - 1))
    alone = world.draw(1, seed, 16, start=indices[place])
    np.testing.assert_array_equal(alone.images[0], batch.images[place])
    np.testing.assert_array_equal(alone.boxes[0], batch.boxes[place])
    for name, value in alone.attributes.items():
        assert value[0] == batch.attributes[name][place]


@pytest.mark.parametrize(
    ("world", "digest"),
    [(toy_rooms, "324d276f58e16ac3"), (toy_faces, "f0a897b8d6e4e670")],
    ids=["rooms", "faces"],
)
def test_the_worlds_are_the_ones_that_checkpoints_were_trained_on(world, digest):
    assert hashlib.sha256(world.draw(256, 0, 32).images.tobytes()).hexdigest()[:16] == digest


def test_images_and_seeds_differ(world):
    images = np.concatenate([world.draw(1000, seed, 16).images for seed in (0, 1)])
    assert len(np.unique(images.reshape(2000, -1), axis=0)) == 2000


def test_a_scene_is_the_same_at_every_size(world):
    small, large = world.draw(200, 0, 32), world.draw(200, 0, 64)
    np.testing.assert_allclose(large.boxes, 2 * small.boxes)
    halved = large.images.reshape(200, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    off = np.abs(halved - small.images).mean(axis=(1, 2, 3))
    assert off.max() < 3  # grey levels
    strangers = np.abs(np.roll(halved, 1, axis=0) - small.images).mean(axis=(1, 2, 3))
    assert strangers.min() > off.max()  # the measure does tell scenes apart


def differing(world, name, without, with_it, size=32):
    """Where 400 pairs of images differ (N, S, S), and the object's box (N, 4)."""
    absent, present = world.draw(400, 0, size, **without), world.draw(400, 0, size, **with_it)
    box = present.boxes[:, present.objects.index(name)]
    return (absent.images != present.images).any(axis=3), box


def outside(differs, box, margin):
    """How many pairs differ beyond their box less a margin."""
    pixel = np.arange(differs.shape[1])
    low, high = np.floor(box[:, :2]) + margin, np.ceil(box[:, 2:]) - margin
    columns = (pixel < low[:, :1]) | (pixel >= high[:, :1])
    rows = (pixel < low[:, 1:]) | (pixel >= high[:, 1:])
    return int((differs & (rows[:, :, None] | columns[:, None, :])).any(axis=(1, 2)).sum())


@objects
@pytest.mark.parametrize("size", [32, 64])
def test_an_object_taken_away_changes_its_box_and_nothing_else(world, name, without, with_it, size):
    differs, box = differing(world, name, without, with_it, size)
    assert differs.any(axis=(1, 2)).all()
    assert outside(differs, box, 0) == 0
    assert outside(differs, box, 1) > 380  # of 400: a box one pixel smaller would not do


@objects
def test_boxes_are_tight_on_all_four_sides(world, name, without, with_it):
    differs, box = differing(world, name, without, with_it)
    for axis, low, high in ((1, box[:, 0], box[:, 2]), (2, box[:, 1], box[:, 3])):
        touched = differs.any(axis=axis)
        first, last = touched.argmax(axis=1), touched.shape[1] - touched[:, ::-1].argmax(axis=1)
        # a side that covers only a sliver of its pixel may change no grey level
        assert np.quantile(first - np.floor(low), 0.9) <= 1
        assert np.quantile(np.ceil(high) - last, 0.9) <= 1


def test_boxes_are_in_the_image_and_only_where_the_object_is(world):
    attributes = world.attributes(MANY, 0)
    for name, box in world.boxes(attributes).items():
        there = attributes.get(name, np.ones(len(MANY), bool))
        np.testing.assert_array_equal(np.isnan(box).all(axis=1), ~there)
        found = box[there]
        assert found.min() >= 0
        assert found.max() <= 32
        assert (found[:, 2:] - found[:, :2] >= 1).all()  # in thirty-seconds of the side


def test_objects_of_a_room_never_overlap():
    every = dict.fromkeys(("bed", "window", "door", "lamp", "picture"), True)
    boxes = toy_rooms.boxes(toy_rooms.attributes(MANY, 0, **every))
    for one, other in itertools.combinations(boxes.values(), 2):
        shared = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
        assert not (shared > 1e-4).all(axis=1).any()


def test_no_images_are_an_empty_scene():
    scene = toy_rooms.draw(0, 0, 32)
    assert scene.images.shape == (0, 32, 32, 3)
    assert scene.boxes.shape == (0, 5, 4)
