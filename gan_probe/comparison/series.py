"""Which checkpoints an argument names: one, the two files of one, or all snapshots of a training in their order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from gan_probe.checkpoints import resolve
from gan_probe.checkpoints.foreign import snapshot_of
from gan_probe.checkpoints.statedicts import role_of
from gan_probe.comparison.trainings import SNAPSHOTS, ended_with, epochs_of, training_of
from gan_probe.errors import BadInputError, one_line

FILES = (".pt", ".pth", ".ckpt", ".safetensors", ".npz", ".onnx", ".keras", ".h5")
TIMED = re.compile(r"(?i)epoch|step|iter|snapshot|kimg")  # other numbers may count seeds, or versions
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Named:
    """A checkpoint as it will be opened: a path, or a generator's file and a discriminator's.

    A snapshot has its `moment`, the name of its `training`, and the file that this `ended` with where it is known.
    """

    name: str
    path: str | None = None
    generator: Path | None = None
    discriminator: Path | None = None
    moment: float | None = None
    training: str = ""
    ended: Path | None = None


def named(arguments: tuple[str, ...]) -> list[Named]:
    """The checkpoints that the arguments name, in order, under names that differ.

    `G.pt+D.pt` is one checkpoint of two files. A folder of snapshots (that of a training's report, or one whose files'
    names differ by a number) stands for all of them, ordered by that number, and for what the training ended with
    after the last. Files of one folder given one by one are ordered so, too, where their names speak of epochs or steps
    and differ by nothing else. Raises BadInputError for what is not there.
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
        snapshots += _end(snapshots)
        if len(snapshots) > 1:
            return _series(snapshots)
    return [Named(Path(argument).stem if path.is_file() else path.resolve().name, argument)]


def _check(path: Path) -> None:
    if not path.exists():
        from gan_probe.checkpoints import LoadRequest, load_gan

        load_gan(LoadRequest(path))  # it says what is missing, and what to do


def _snapshots(folder: Path) -> list[Named]:
    """Pairs of a generator's and a discriminator's file, or files of whole checkpoints, whose names are alike."""
    files = _files(folder)
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


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.suffix.lower() in FILES and not path.name.startswith(".")]


def _series(snapshots: list[Named]) -> list[Named]:
    """In the order of the number by which their names differ; as they are, where they differ by more."""
    numbered = [one for one in snapshots if NUMBER.search(one.name)]
    frames = {_frame(one.name) for one in numbered} | {one.name for one in snapshots if one not in numbered}
    moments = [_moment(one.name) for one in numbered]
    if len(numbered) < 2 or len(frames) > 1 or len(set(moments)) < len(moments):
        return snapshots
    folder = _folder(snapshots[0]).resolve()
    training, ended = training_of(folder), ended_with(folder)
    placed = [
        replace(one, moment=moment, training=training, ended=ended, name=_beside(one, ended))
        for one, moment in zip(numbered, moments, strict=True)
    ]
    # one without a number is what the training ended with
    last = [replace(one, training=training) for one in snapshots if one not in numbered]
    return sorted(placed, key=lambda one: one.moment or 0) + last


def _end(snapshots: list[Named]) -> list[Named]:
    """What our training of these snapshots went on to after the last, as one more of them."""
    path = ended_with(_folder(snapshots[0]).resolve()) if snapshots else None
    if path is None or {_frame(one.name) for one in snapshots} != {"epoch-"}:
        return []
    epochs = epochs_of(path) or 0
    later = epochs > max(_moment(one.name) for one in snapshots)
    return [Named(f"epoch-{epochs:g}", str(path))] if later else []


def _beside(one: Named, ended: Path | None) -> str:
    """Its name, with that of the file for what the training ended with: it does not lie with the others."""
    return f"{one.name} ({ended.name})" if ended is not None and one.path == str(ended) else one.name


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
    name = f"{one.training or training_of(folder)}/{one.name}" if several else one.name
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
        folder = Path(chosen[0].path or "") if chosen else Path()
        if chosen and chosen[0].path and folder.is_dir() and not _files(folder):
            kept = len(_files(folder / SNAPSHOTS))
            raise BadInputError(
                f"{'one snapshot alone is' if kept else 'no snapshots are'} in {what}: name the folder of a training "
                "that kept several (gan-probe train --snapshots 1,5,10), or two checkpoints or more"
            )
        raise BadInputError(f"only {what} is named: compare takes two checkpoints or more, or a folder of snapshots")
