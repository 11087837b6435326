"""Boxes as COCO: what is written comes back, other tools' exports mean the same, damage is refused in one line."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe import BadInputError
from gan_probe.annotations import Box, Boxes, from_coco, read_boxes, to_coco

SIZE = 64
NAMES = st.text("ab1_-<>&'\"\\{é😀ע", min_size=1, max_size=20)


@st.composite
def boxes(draw):
    """Boxes of any names on any samples, at fractions of a pixel."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    start = st.floats(0, SIZE - 1)
    one = st.tuples(st.sampled_from(names), start, start, st.floats(1 / 8, 1), st.floats(1 / 8, 1))
    some = st.lists(one, max_size=4)
    samples = draw(st.dictionaries(st.integers(0, 99_999), some, max_size=5))
    drawn = {i: tuple(Box(*box) for box in samples[i]) for i in sorted(samples)}
    return Boxes("c" * 64, draw(st.integers(0, 2**40)), SIZE, tuple(names), drawn)


def export(**changes):
    """One window on sample 12 as another tool writes it, with foreign fields, text ids and no word of a checkpoint."""
    document = {
        "info": {"contributor": "", "year": 2024},
        "licenses": [{"id": 0, "name": ""}],
        "images": [{"id": "7", "file_name": "upload/1f3a-sample-000012_png.rf.9c0.jpg", "width": 64, "height": 64}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 0, "bbox": [10.5, 20, 8.25, 4], "segmentation": [[0, 1, 2, 3]]}
        ],
        "categories": [{"id": 0, "name": "window", "supercategory": "house"}],
    }
    return document | changes


@settings(max_examples=60, deadline=None)
@given(boxes())
def test_what_is_written_comes_back(marked):
    assert from_coco(json.loads(json.dumps(to_coco(marked))), SIZE) == marked


@settings(max_examples=60, deadline=None)
@given(boxes(), st.sampled_from([2, 4, 8]), st.permutations(range(9)))
def test_enlarged_images_foreign_ids_and_another_order_mean_the_same(marked, scale, order):
    document = to_coco(marked)
    for image in document["images"]:
        image |= {"id": f"image {image['id']}", "width": SIZE * scale, "height": SIZE * scale}
        image["file_name"] = f"{image.pop('z_index')}.jpg"
    for category in document["categories"]:
        category["id"] += 1000
    for annotation in document["annotations"]:
        annotation["image_id"] = f"image {annotation['image_id']}"
        annotation["category_id"] = str(annotation["category_id"] + 1000)
        annotation["bbox"] = [edge * scale for edge in annotation["bbox"]]
    document["images"].sort(key=lambda image: order[len(image["file_name"]) % 9])
    assert from_coco(document, SIZE) == marked


def test_another_tools_export_is_read(card, tmp_path):
    (tmp_path / "b.json").write_text(json.dumps(export()))
    read = read_boxes(tmp_path / "b.json", card, seed=3)
    assert read.samples == {12: (Box("window", 10.5, 20, 8.25, 4),)}
    assert (read.checkpoint, read.seed) == ("", None)


def test_boxes_of_an_object_tell_its_absence_from_not_having_looked():
    box = Box("door", 1, 2, 3, 4)
    marked = Boxes("", 0, SIZE, ("window", "door"), {4: (box, Box("window", 0, 0, 1, 1)), 2: (), 9: (box, box)})
    doors = marked.of("door")
    assert [(i, rows.shape) for i, rows in doors.items()] == [(2, (0, 4)), (4, (1, 4)), (9, (2, 4))]
    np.testing.assert_array_equal(doors[4], [[1, 2, 3, 4]])
    with pytest.raises(BadInputError, match="no object 'lamp' is boxed; there are window, door"):
        marked.of("lamp")


def test_a_box_over_the_edge_is_cut_at_it():
    document = export()
    document["annotations"][0]["bbox"] = [-3, 60.5, 10, 9]
    assert from_coco(document, SIZE).samples[12] == (Box("window", 0, 60.5, 7, 3.5),)


@pytest.mark.parametrize(
    "file_name", ["sample-000012.png", "12.png", "C:\\set 9\\0012.JPG", "2024/b7-sample-12.png", "frame 12"]
)
def test_a_files_name_says_which_sample_it_is(file_name):
    document = export(images=[{"id": 7, "file_name": file_name}])
    assert list(from_coco(document, SIZE).samples) == [12]


BAD_BOXES = [None, [], [1, 2, 3], [1, 2, 0, 4], [1, 2, -3, 4], [64, 0, 5, 5], [0, 0, "3", 4], [0, 0, True, 4]]
BAD_BOXES += [[0, 0, float("nan"), 4], [float("inf"), 0, 1, 4], [10**400, 0, 1, 1], [0, 0, {"a": "x" * 999}, 1]]
DAMAGE = {
    "no list": {"images": None},
    "entries that are none": {"annotations": [3]},
    "no categories": {"categories": {}},
    "no number": {"images": [{"id": 7, "file_name": "room.png"}]},
    "two numbers": {"images": [{"id": 7, "file_name": "12-13.png"}]},
    "a long number": {"images": [{"id": 7, "file_name": "1" * 500}]},
    "no name": {"images": [{"id": 7}]},
    "one sample twice": {"images": [{"id": 7, "file_name": "12.png"}, {"id": 8, "file_name": "012.png"}]},
    "one id twice": {"images": [{"id": 7, "file_name": "12.png"}, {"id": "7", "file_name": "13.png"}]},
    "an id that is a list": {"images": [{"id": [7], "file_name": "12.png"}]},
    "a z_index that is true": {"images": [{"id": 7, "z_index": True}]},
    "a z_index beyond all": {"images": [{"id": 7, "z_index": 10**30}]},
    "no width": {"images": [{"id": 7, "file_name": "12.png", "width": 0}]},
    "a minute width": {"images": [{"id": 7, "file_name": "12.png", "width": 1e-320}]},
    "an unlisted image": {"images": []},
    "an unlisted category": {"categories": []},
    "two categories of one id": {"categories": [{"id": 0, "name": "a"}, {"id": 0, "name": "b"}]},
    "a name with a newline": {"categories": [{"id": 0, "name": "a\nb"}]},
    "an empty name": {"categories": [{"id": 0, "name": " "}]},
    "a checkpoint that is none": {"info": {"checkpoint": ["a" * 64]}},
    "a seed that is none": {"info": {"checkpoint": "a" * 64, "seed": 1.5}},
    "another checkpoint": {"info": {"checkpoint": "b" * 64, "seed": 0}},
    "another seed": {"info": {"checkpoint": "a" * 64, "seed": 1}},
} | {f"the box {box}": {"annotations": [{"image_id": 7, "category_id": 0, "bbox": box}]} for box in BAD_BOXES}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_in_one_line_that_names_the_file(damage, card, tmp_path, refused):
    path = tmp_path / "b.json"
    path.write_text(json.dumps(export() | copy.deepcopy(DAMAGE[damage])))
    assert refused(read_boxes, path, card, 0).startswith("b.json: ")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b"null"])
def test_what_is_no_json_object_is_refused(content, card, tmp_path, refused):
    path = tmp_path / ("b\n" + "x" * 90 + ".json")
    path.write_bytes(content)
    refused(read_boxes, path, card)
    refused(read_boxes, tmp_path / "absent.json", card)
    refused(read_boxes, tmp_path, card)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["info", "images", "annotations", "categories"]), JSON, st.sampled_from(["", "entry", "field"]))
def test_no_damage_is_a_crash(part, value, depth):
    document = export()
    if depth == "" or part == "info":
        document[part] = value
    elif depth == "entry":
        document[part].append(value)
    else:
        document[part][0] |= dict.fromkeys(("bbox", "width", "z_index", "name", "category_id"), value)
    try:
        read = from_coco(document, SIZE)
    except BadInputError:
        return
    for marked in read.samples.values():
        assert all(0 <= b.x < b.x + b.width <= SIZE * (1 + 1e-12) for b in marked)
