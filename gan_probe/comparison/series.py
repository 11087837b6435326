"""Which checkpoints an argument names: one, the two files of one, or all snapshots of a training in their order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from gan_probe.checkpoints import resolve
from gan_probe.checkpoints.foreign import snapshot_of
from gan_probe.checkpoints.statedicts import role_of
from gan_probe.errors import BadInputError, one_line

SNAPSHOTS = "checkpoints"  # where a training keeps them, in the folder of its report
FILES = (".pt", ".pth", ".ckpt", ".safetensors", ".npz", ".onnx", ".keras", ".h5")
TIMED = re.compile(r"(?i)epoch|step|iter|snapshot|kimg")  # other numbers may count seeds, or versions
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Named:
    """A checkpoint as it will be opened: a path, or a generator's file and a discriminator's; and its `moment`."""

    name: str
    path: str | None = None
    generator: Path | None = None
    discriminator: Path | None = None
    moment: float | None = None


def named(arguments: tuple[str, ...]) -> list[Named]:
    """The checkpoints that the arguments name, in order, under names that differ.

    `G.pt+D.pt` is one checkpoint of two files. A folder of snapshots (that of a training's report, or one whose files'
    names differ by a number) stands for all of them, ordered by that number. So are files of one folder given
    one by one, where their names speak of epochs or steps and differ by nothing else. Raises BadInputError for what is
    not there.
    """
    groups = [_one(argument) for argument in arguments]
    together = [one for group in groups for one in group]
    if len(groups) == 1:
        chosen = together
    elif len(together) == len(groups) and all(TIMED.search(one.name) for one in together) and _in_one_folder(together):
        chosen = _series(together)
    else:  # no one time orders the snapshots of several trainings
        chosen = [_within(one, len(group) > 1) for group in groups for one in group]
    return distinct(chosen)


def _one(argument: str) -> list[Named]:
    generator, plus, discriminator = argument.partition("+")
    if plus and not Path(argument).exists():
        files = [Path(generator), Path(discriminator)]
        for path in files:
            _check(path)
        return [Named(files[0].stem, None, files[0], files[1])]
    path = resolve(argument)
    _check(path)
    if path.is_dir():
        kept = path / SNAPSHOTS
        snapshots = _snapshots(kept if kept.is_dir() else path)
        if len(snapshots) > 1:
            return _series(snapshots)
    return [Named(Path(argument).stem if path.is_file() else path.resolve().name, argument)]


def _check(path: Path) -> None:
    if not path.exists():
        from gan_probe.checkpoints import LoadRequest, load_gan

        load_gan(LoadRequest(path))  # it says what is missing, and what to do


def _snapshots(folder: Path) -> list[Named]:
    """Pairs of a generator's and a discriminator's file, or files of whole checkpoints, whose names are alike."""
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in FILES and not p.name.startswith(".")]
    roles = {path: role_of(path.stem) for path in files}
    discriminators = {snapshot_of(p.stem): p for p, role in roles.items() if role == "discriminator"}
    pairs = [
        Named(path.stem, None, path, discriminators.get(snapshot_of(path.stem)))
        for path, role in roles.items()
        if role == "generator"
    ]
    if pairs:
        return pairs
    whole = [Named(path.stem, str(path)) for path, role in roles.items() if role is None]
    return whole if len({_frame(one.name) for one in whole}) == 1 else []


def _series(snapshots: list[Named]) -> list[Named]:
    """In the order of the number by which their names differ; as they are, where they differ by more."""
    numbered = [one for one in snapshots if NUMBER.search(one.name)]
    frames = {_frame(one.name) for one in numbered} | {one.name for one in snapshots if one not in numbered}
    moments = [_moment(one.name) for one in numbered]
    if len(numbered) < 2 or len(frames) > 1 or len(set(moments)) < len(moments):
        return snapshots
    placed = [replace(one, moment=moment) for one, moment in zip(numbered, moments, strict=True)]
    # one without a number is what the training ended with
    return sorted(placed, key=lambda one: one.moment or 0) + [one for one in snapshots if one not in numbered]


def _frame(name: str) -> str:
    """The name without its last number."""
    return "".join(_parted(name)[::2])


def _moment(name: str) -> float:
    return float(_parted(name)[1])


def _parted(name: str) -> tuple[str, str, str]:
    last = [*NUMBER.finditer(name)][-1:]
    return (name[: last[0].start()], last[0][0], name[last[0].end() :]) if last else (name, "", "")


def _in_one_folder(several: list[Named]) -> bool:
    return len({_folder(one).resolve() for one in several}) == 1


def _folder(one: Named) -> Path:
    return Path(one.path or one.generator or "").parent


def _within(one: Named, several: bool) -> Named:
    """Behind its training's name, where the folder stands for several; without a moment."""
    folder = _folder(one).resolve()
    training = folder.parent if folder.name == SNAPSHOTS else folder
    name = f"{training.name}/{one.name}" if several else one.name
    return replace(one, name=name, moment=None)


def distinct(chosen: list[Named]) -> list[Named]:
    """The same under names that differ, with their folders' or a number where they would not."""
    places = Counter(name for name, _ in {(one.name, _folder(one).resolve()) for one in chosen})
    longer = [f"{_folder(one).resolve().name}/{one.name}" if places[one.name] > 1 else one.name for one in chosen]
    seen: dict[str, int] = {}
    found = []
    for one, name in zip(chosen, longer, strict=True):
        seen[name] = seen.get(name, 0) + 1
        unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
        found.append(replace(one, name=unique))
    return found


def check_several(chosen: list[Named]) -> None:
    """BadInputError where there is nothing to compare."""
    if len(chosen) < 2:
        what = one_line(chosen[0].name, 60) if chosen else "nothing"
        raise BadInputError(f"only {what} is named: compare takes two checkpoints or more, or a folder of snapshots")
