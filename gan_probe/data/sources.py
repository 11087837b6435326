"""The registry of named data sets, and `open_data`, which takes a name or a path. Imports nothing heavy."""

from __future__ import annotations

import difflib
import os
import re
import stat
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.data.model import Data
from gan_probe.data.names import short
from gan_probe.disk import cache_folder
from gan_probe.errors import BadInputError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True)
class DataRequest:
    """What the user asked for: where named sets lie, whether they may be downloaded, and which labels.

    Without `root` they lie in the user's cache, `gan_probe.disk.cache_folder`.
    """

    root: Path | None = None
    download: bool = False
    labels: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of named sets."""
        return cache_folder() if self.root is None else self.root


@dataclass(frozen=True)
class DatasetSource:
    """A named data set: a line about it, and the function that opens it."""

    name: str
    summary: str
    open: Callable[[DataRequest], Data]


def _digits(request: DataRequest) -> Data:
    from gan_probe.data.digits import digits

    return digits(request)


def _torchvision(name: str, request: DataRequest) -> Data:
    from gan_probe.data.torchvision_sets import open_set

    return open_set(name, request)


def _celeba(request: DataRequest) -> Data:
    from gan_probe.data.celeba import celeba

    return celeba(request)


def _lsun(request: DataRequest) -> Data:
    from gan_probe.data.lsun import lsun

    return lsun(request)


def _world(name: str, request: DataRequest) -> Data:
    from gan_probe.data.worlds.sets import open_world

    return open_world(name, request)


def builtin_sources() -> list[DatasetSource]:
    """The named sets that come with gan-probe."""
    return [
        DatasetSource("digits", "1,797 grey digits, 8x8, 10 classes; embedded", _digits),
        DatasetSource(
            "toy-rooms", "60,000 drawn rooms in colour, any size; bed, window, ...", partial(_world, "toy-rooms")
        ),
        DatasetSource(
            "toy-faces", "60,000 drawn faces in colour, any size; smile, pose, ...", partial(_world, "toy-faces")
        ),
        DatasetSource("cifar10", "60,000 colour images, 32x32, 10 classes", partial(_torchvision, "cifar10")),
        DatasetSource("cifar100", "60,000 colour images, 32x32, 100 classes", partial(_torchvision, "cifar100")),
        DatasetSource("svhn", "99,289 house numbers in colour, 32x32, 10 classes", partial(_torchvision, "svhn")),
        DatasetSource("mnist", "70,000 grey digits, 28x28, 10 classes", partial(_torchvision, "mnist")),
        DatasetSource("fashion-mnist", "70,000 grey garments, 28x28", partial(_torchvision, "fashion-mnist")),
        DatasetSource("celeba", "202,599 faces in colour; --labels ATTRIBUTE, such as Smiling", _celeba),
        DatasetSource("lsun", "scenes in colour, up to millions each; labels are the categories found", _lsun),
    ]


def read_sources(result: Any) -> list[DatasetSource]:
    """What a plugin's `register_datasets` gave, as a list; TypeError for anything but data sets."""
    sources = list(result)
    for source in sources:
        if not isinstance(source, DatasetSource) or not isinstance(source.name, str):
            raise TypeError(f"it gave {source!r}, which is no gan_probe.data.DatasetSource")
    return sources


def all_sources(theirs: Iterable[tuple[str, Sequence[DatasetSource]]]) -> list[DatasetSource]:
    """The built-in sets, then those of plugins, each given with its plugin's name.

    A built-in keeps its name: a UserWarning says whose set is left out. Of two strangers none is more right: the name
    stays, and opening it is a UsageError that names both.
    """
    ours = {source.name: source for source in builtin_sources()}
    claimed: dict[str, list[tuple[str, DatasetSource]]] = {}
    for plugin, sources in theirs:
        for source in sources:
            if source.name in ours:
                reason = f"plugin {plugin}: its data set {source.name!r} has the name of a built-in: left out"
                warnings.warn(one_line(reason), UserWarning, stacklevel=2)
            else:
                claimed.setdefault(source.name, []).append((plugin, source))
    for name, claims in claimed.items():
        ours[name] = claims[0][1] if len(claims) == 1 else _disputed(name, sorted({p for p, _ in claims}))
    return list(ours.values())


def _disputed(name: str, plugins: Sequence[str]) -> DatasetSource:
    reason = f"claimed by {' and '.join(plugins)}: uninstall one of them"

    def refuse(_: DataRequest) -> Data:
        raise UsageError(one_line(f"data set {short(name)!r} is {reason}"))

    return DatasetSource(name, reason, refuse)


def open_data(
    spec: str | Path | Data,
    *,
    root: str | Path | None = None,
    download: bool = False,
    labels: str | None = None,
    sources: Sequence[DatasetSource] | None = None,
) -> Data:
    """Open a data set by its name or path, without decoding any image.

    Paths are a folder, a `.zip` or a `.tar` of images, a folder or a range (`train-{000..099}.tar`) of WebDataset's
    `.tar` shards, an `.npz`, or a folder with `images.npy`. A string without a path
    separator that does not begin with `.` is looked up as a name first; a `Path` is always a path. `labels` says where
    labels sit otherwise: a key of arrays, a regular expression on file names, or a CSV file (see
    `gan_probe.data.labels`). BadInputError says what is wrong with the data.
    """
    if isinstance(spec, Data):
        return spec
    known = {source.name: source for source in (builtin_sources() if sources is None else sources)}
    bare = isinstance(spec, str) and not spec.startswith(".") and not {"/", os.sep} & set(spec)
    if bare and spec in known:
        return known[str(spec)].open(DataRequest(Path(root).expanduser() if root else None, download, labels))
    return _open_path(spec, list(known) if bare else [], labels)


def _open_path(spec: str | Path, names: list[str], labels: str | None) -> Data:
    where = short(spec)
    if spec == "":  # pathlib would take it for the current folder
        raise BadInputError(_not_found("", names, FileNotFoundError()))
    if several := _shards(str(spec)):
        return _open_shards(several, short(Path(spec).name.split("{")[0].rstrip("-_.") or "shards", 40), where, labels)
    try:
        path = Path(spec).expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInputError(_not_found(str(spec), names, error)) from None
    name = short(path.resolve().stem if path.is_file() else path.resolve().name, 40)
    if stat.S_ISDIR(mode) and (path / "images.npy").is_file():
        from gan_probe.data.arrays import keyed_data
        from gan_probe.data.npy import folder_arrays

        return keyed_data(name, folder_arrays(path), labels)
    if stat.S_ISDIR(mode):
        from gan_probe.data.folders import folder_images
        from gan_probe.data.layout import image_data

        reader, skipped = folder_images(path)
        if not reader.names and (tars := folder_images(path, (".tar",))[0].names):
            return _open_shards([path / tar for tar in tars], name, where, labels)
        return image_data(name, where, reader, skipped, labels)
    if stat.S_ISREG(mode) and path.suffix.lower() == ".npz":
        from gan_probe.data.arrays import keyed_data
        from gan_probe.data.npy import npz_arrays

        return keyed_data(name, npz_arrays(path), labels)
    if stat.S_ISREG(mode) and path.suffix.lower() == ".zip":
        from gan_probe.data.archives import zip_images
        from gan_probe.data.layout import image_data

        return image_data(name, where, *zip_images(path), labels)
    if stat.S_ISREG(mode) and re.search(r"\.(tar|tgz|tbz2?|txz)(\.\w+)?$", path.name.lower()):
        return _open_shards([path], name, where, labels)
    raise BadInputError(
        f"{where}: not data; pass a folder, .zip or .tar of images, an .npz, or a folder with images.npy"
    )


def _shards(spec: str) -> list[Path]:
    """The archives that a range such as train-{000..099}.tar stands for; none for another path."""
    if not spec.endswith(".tar") or "{" not in spec or os.path.lexists(spec):
        return []
    from gan_probe.data.shards import expand

    return [Path(path).expanduser() for path in expand(spec)]


def _open_shards(paths: list[Path], name: str, where: str, labels: str | None) -> Data:
    from gan_probe.data.layout import image_data
    from gan_probe.data.shards import shard_images

    reader, tags, skipped = shard_images(paths)
    return image_data(name, where, reader, skipped, labels, placed=reader.placed, tags=tags)


def _not_found(spec: str, names: list[str], error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and not isinstance(error, FileNotFoundError):
        return f"cannot open {short(spec)}: {error.strerror}"
    if near := difflib.get_close_matches(spec.lower(), names, n=1):
        return f"no data set and no path {short(spec)!r}; did you mean {near[0]!r}?"
    there = f"give a path, or one of {', '.join(names)}" if names else "check the path"
    return f"no data at {short(spec)}: {there}"
