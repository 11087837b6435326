"""The folder that the page fills: boxes.json and concepts.json of one checkpoint and one seed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any, Self

from gan_probe import disk
from gan_probe.annotations.coco import Boxes, from_coco, read_boxes, to_coco
from gan_probe.annotations.concepts import Concepts, read_concepts
from gan_probe.errors import BadInputError, GanProbeError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.gan import Card

LOCK = ".gan-probe-annotations"


class StaleError(GanProbeError):
    """Somebody else, another tab say, has saved since this state was read."""


class AnnotationFolder:
    """A context that owns a folder of annotations: what lies there is read, what is marked is saved.

    Entering creates and locks the folder. It raises BadInputError for files that are damaged, another tool's, or made
    on another checkpoint or seed, which then stay as they are; OutputError where the folder cannot be written.
    """

    def __init__(self, path: Path, card: Card, seed: int = 0) -> None:
        self.path = path
        self.card = card
        self.seed = seed
        self.boxes = Boxes(card.sha256, seed, card.image_size)
        self.concepts = Concepts(card.sha256, seed)
        self.revision = 0  # counts what was saved: a tab that has missed one may not save
        self._stack = contextlib.ExitStack()
        self._created = False

    def __enter__(self) -> Self:
        try:
            self._created = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
        with contextlib.ExitStack() as stack:
            stack.enter_context(disk.locked(self.path / LOCK))
            if _there(self.boxes_path):
                self.boxes = read_boxes(self.boxes_path, self.card, self.seed)
                if not self.boxes.checkpoint or self.boxes.seed is None:
                    raise BadInputError(
                        "boxes.json: it is another tool's, without checkpoint and seed: pass another --out"
                    )
            if _there(self.concepts_path):
                self.concepts = read_concepts(self.concepts_path, self.card, self.seed)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self._created and os.name == "posix":  # elsewhere an open file cannot be removed
            with contextlib.suppress(OSError):
                if [*self.path.iterdir()] == [self.path / LOCK]:  # nothing was marked
                    (self.path / LOCK).unlink()
                    self.path.rmdir()
        self._stack.close()

    @property
    def boxes_path(self) -> Path:
        """Where the boxes are."""
        return self.path / "boxes.json"

    @property
    def concepts_path(self) -> Path:
        """Where the concepts are."""
        return self.path / "concepts.json"

    @property
    def files(self) -> list[Path]:
        """The files there are so far."""
        return [path for path in (self.boxes_path, self.concepts_path) if path.exists()]

    @property
    def last(self) -> int:
        """The highest number of a sample that is marked; -1 without any."""
        ticked = (i for samples in self.concepts.exemplars.values() for i in samples)
        return max([*self.boxes.samples, *ticked], default=-1)

    def state(self) -> dict[str, Any]:
        """What the page shows: names, boxes as [name's position, x, y, width, height] by sample, ticks by concept."""
        position = {name: i for i, name in enumerate(self.boxes.names)}
        return {
            "revision": self.revision,
            "objects": list(self.boxes.names),
            "samples": [
                [index, [[position[b.name], b.x, b.y, b.width, b.height] for b in boxes]]
                for index, boxes in self.boxes.samples.items()
            ],
            "concepts": [[name, list(samples)] for name, samples in self.concepts.exemplars.items()],
        }

    def take(self, boxes: Boxes) -> None:
        """Begin with boxes from elsewhere, another tool's say, as boxes on this checkpoint's samples of this seed.

        Raises BadInputError where there are boxes already, OutputError where they cannot be written.
        """
        if self.boxes_path.exists():
            raise BadInputError(f"{self.boxes_path} is there already: pass another --out, or go on without --boxes")
        taken = dataclasses.replace(boxes, checkpoint=self.card.sha256, seed=self.seed)
        disk.write_text(self.boxes_path, _text(to_coco(taken)))
        self.boxes = taken

    def save(self, state: dict[str, Any]) -> int:
        """Write a state of the page and return its revision.

        Raises BadInputError for what is no state, StaleError where it does not follow the last one, and OutputError
        where it cannot be written; each file is then whole, the old one or the new.
        """
        boxes, concepts = self._boxes(state), self._concepts(state)
        if state.get("revision") != self.revision:
            raise StaleError("another tab has saved since: reload this page")
        for old, new, path, document in (
            (self.boxes, boxes, self.boxes_path, to_coco(boxes)),
            (self.concepts, concepts, self.concepts_path, concepts.to_dict()),
        ):
            if new != old:
                disk.write_text(path, _text(document))
        self.boxes, self.concepts = boxes, concepts
        self.revision += 1
        return self.revision

    def _boxes(self, state: dict[str, Any]) -> Boxes:
        # from_coco checks names, numbers and edges as it does for every other tool
        try:
            document = {
                "info": {"checkpoint": self.card.sha256, "seed": self.seed},
                "images": [{"id": index, "z_index": index} for index, _ in state["samples"]],
                "annotations": [
                    {"image_id": index, "category_id": position, "bbox": bbox}
                    for index, boxes in state["samples"]
                    for position, *bbox in boxes
                ],
                "categories": [{"id": i, "name": name} for i, name in enumerate(state["objects"])],
            }
        except (KeyError, TypeError, ValueError):
            raise BadInputError("this is no state of the page: reload it") from None
        return from_coco(document, self.card.image_size)

    def _concepts(self, state: dict[str, Any]) -> Concepts:
        try:
            concepts = dict(state["concepts"])
        except (KeyError, TypeError, ValueError):
            raise BadInputError("this is no state of the page: reload it") from None
        return Concepts.from_dict({"checkpoint": self.card.sha256, "seed": self.seed, "concepts": concepts})


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _there(path: Path) -> bool:
    # a dangling link is something too, and not ours to write through
    return path.exists() or path.is_symlink()
