"""Labels: from class names to numbers, and `--labels` for files, whose labels sit in their names or in a CSV."""

from __future__ import annotations

import csv
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.names import printable, short
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def encode(parts: Sequence[np.ndarray | None]) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Number the labels of all splits together.

    Classes are the distinct values, sorted: as numbers if all are whole numbers, else as text. Returns labels (N,)
    int64 for each part, None for a part without, and the classes' printable names.
    """
    known = [np.char.decode(p, "utf-8", "replace") if p.dtype.kind == "S" else p for p in parts if p is not None]
    values = sorted({value for part in known for value in np.unique(part).tolist()}, key=_order)
    if values and all(isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value) for value in values):
        values.sort(key=int)
    number = {value: index for index, value in enumerate(values)}
    encoded = iter(known)
    ids: list[np.ndarray | None] = []
    for part in parts:
        if part is None:
            ids.append(None)
            continue
        distinct, inverse = np.unique(next(encoded), return_inverse=True)
        ids.append(np.array([number[value] for value in distinct.tolist()], dtype=np.int64)[inverse.reshape(-1)])
    return ids, tuple(printable(value) for value in values)


def _order(value: object) -> tuple[bool, object]:
    return isinstance(value, str), value  # numbers before text, so that any mixture of splits can be sorted


def labeller(spec: str) -> Callable[[str], str | None]:
    """What `--labels` means for files: a function from a file's name inside the set to its label, or None.

    A `spec` that ends in `.csv` is the path of a CSV file whose first line names the columns `file` and `label`
    (others are ignored); a file is found by its whole name (`train/a/1.png`), then by its last part (`1.png`).
    Anything else is a regular expression searched in the whole name: its group `label`, or its only group, is the
    label. (For an `.npz` and `.npy` folders `--labels` is a key; see `arrays`.)
    """
    if spec.lower().endswith(".csv"):
        return _from_csv(Path(spec))
    try:
        pattern = re.compile(spec)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadInputError(f"--labels {short(spec)!r} is no regular expression: {error}") from None
    if "label" not in pattern.groupindex and pattern.groups != 1:
        raise BadInputError(
            f"--labels {short(spec)!r} has {pattern.groups} groups: put the label in the only (...), or in "
            "(?P<label>...), or name a .csv file"
        )
    group: str | int = "label" if "label" in pattern.groupindex else 1

    def label(name: str) -> str | None:
        found = pattern.search(name)
        return found[group] if found else None

    return label


def _from_csv(path: Path) -> Callable[[str], str | None]:
    where = short(path)
    if not path.is_file():
        raise BadInputError(f"--labels {where}: no such file")
    labels: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file)
            if not {"file", "label"} <= set(rows.fieldnames or ()):
                raise BadInputError(f"--labels {where}: its first line must name the columns file and label")
            for row in rows:
                name, label = row["file"], row["label"]
                if not name or not label:
                    raise BadInputError(f"--labels {where}, line {rows.line_num}: file or label is missing")
                if labels.setdefault(name, label) != label:
                    raise BadInputError(f"--labels {where}, line {rows.line_num}: a second label for {short(name, 40)}")
    except (OSError, csv.Error) as error:
        raise BadInputError(f"--labels {where}: cannot read it as CSV: {short(error)}") from None
    return lambda name: labels.get(name, labels.get(PurePosixPath(name).name))
