"""The folder behind the page: what is saved is there the next time, and nothing of a stranger's is overwritten."""

import dataclasses
import json

import pytest

from gan_probe import BadInputError, OutputError
from gan_probe.annotations import Box, read_boxes, read_concepts
from gan_probe.annotations.folder import AnnotationFolder, StaleError

STATE = {
    "revision": 0,
    "objects": ["window", "door"],
    "samples": [[3, [[1, 10, 20, 5, 6], [0, 0, 0, 64, 64]]], [7, []]],
    "concepts": [["smiling woman", [2, 1]], ["man", []]],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "marks"


def test_what_is_saved_is_read_by_the_analyses_and_by_the_next_start(card, path):
    with AnnotationFolder(path, card) as folder:
        assert folder.files == []
        assert folder.last == -1
        assert folder.save(STATE) == 1
        assert folder.state() == STATE | {"revision": 1, "concepts": [["smiling woman", [1, 2]], ["man", []]]}
    boxes = read_boxes(path / "boxes.json", card, seed=0)
    assert boxes.samples == {3: (Box("door", 10, 20, 5, 6), Box("window", 0, 0, 64, 64)), 7: ()}
    assert (boxes.checkpoint, boxes.seed) == (card.sha256, 0)
    assert read_concepts(path / "concepts.json", card, seed=0).exemplars == {"smiling woman": (1, 2), "man": ()}
    with AnnotationFolder(path, card) as folder:
        assert folder.state() == STATE | {"concepts": [["smiling woman", [1, 2]], ["man", []]]}
        assert folder.last == 7


def test_only_what_was_marked_is_written(card, path):
    with AnnotationFolder(path, card) as folder:
        folder.save(STATE | {"samples": [], "objects": []})
        assert [file.name for file in folder.files] == ["concepts.json"]


def test_everything_can_be_taken_back(card, path):
    with AnnotationFolder(path, card) as folder:
        folder.save(STATE)
        folder.save({"revision": 1, "objects": [], "samples": [], "concepts": []})
    with AnnotationFolder(path, card) as folder:
        assert folder.state() == {"revision": 0, "objects": [], "samples": [], "concepts": []}


def test_a_tab_that_missed_a_save_may_not_save(card, path):
    with AnnotationFolder(path, card) as folder:
        folder.save(STATE)
        with pytest.raises(StaleError, match="reload"):
            folder.save(STATE | {"objects": ["window", "door", "lamp"]})
    assert "lamp" not in (path / "boxes.json").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        {"samples": None},
        {"samples": [3]},
        {"samples": [[3, [[5, 1, 1, 1, 1]]]]},
        {"samples": [[3, [[0, 1, 1, 1]]]]},
        {"samples": [[3, [[0, 1, 1, "1", 1]]]]},
        {"samples": [[3, []], [3, []]]},
        {"samples": [[-1, []]]},
        {"objects": 7},
        {"objects": ["a\nb"]},
        {"concepts": [["a", [0.5]]]},
        {"concepts": [[[], [0]]]},
        {"concepts": "abc"},
    ],
    ids=repr,
)
def test_what_is_no_state_is_refused_and_nothing_is_written(damage, card, path, refused):
    with AnnotationFolder(path, card) as folder:
        refused(folder.save, STATE | damage)
        assert folder.files == []


def enter(path, card, seed=0):
    with AnnotationFolder(path, card, seed):
        pass


@pytest.mark.parametrize("name", ["boxes.json", "concepts.json"])
@pytest.mark.parametrize("content", [b"", b"[1]", b'{"checkpoint": 3}', b"\x89PNG"])
def test_damaged_and_foreign_files_are_refused_and_stay(name, content, card, path, refused):
    path.mkdir(parents=True)
    (path / name).write_bytes(content)
    assert refused(enter, path, card).startswith(f"{name}: ")
    assert (path / name).read_bytes() == content


def test_another_tools_boxes_are_not_gone_on_with(card, path, refused):
    path.mkdir(parents=True)
    (path / "boxes.json").write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    assert "pass another --out" in refused(enter, path, card)


@pytest.mark.parametrize("name", ["boxes.json", "concepts.json"])
def test_another_checkpoint_or_seed_is_refused(name, card, path, refused):
    with AnnotationFolder(path, card) as folder:
        folder.save(STATE)
    other = "concepts.json" if name == "boxes.json" else "boxes.json"
    (path / other).unlink()
    before = (path / name).read_bytes()
    assert "another checkpoint" in refused(enter, path, dataclasses.replace(card, sha256="b" * 64))
    assert "--seed" in refused(enter, path, card, 1)
    assert (path / name).read_bytes() == before
    enter(path, card)


def test_two_pages_do_not_share_a_folder(card, path):
    with AnnotationFolder(path, card), pytest.raises(OutputError, match="in use"):
        enter(path, card)


def test_a_folder_that_cannot_be_is_an_output_error(card, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        enter(tmp_path / "file", card)


def test_a_failed_save_leaves_the_old_file_whole(card, path, monkeypatch):
    with AnnotationFolder(path, card) as folder:
        folder.save(STATE)
        before = (path / "boxes.json").read_bytes()
        monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OutputError, match="No space"):
            folder.save(STATE | {"revision": 1, "objects": ["window", "door", "lamp"]})
        monkeypatch.undo()
        assert (path / "boxes.json").read_bytes() == before
        # the page tries again with its next change
        assert folder.save(STATE | {"revision": 1, "objects": ["window", "door", "lamp"]}) == 2
    with pytest.raises(BadInputError, match="no object 'lamps'"):
        read_boxes(path / "boxes.json", card).of("lamps")
