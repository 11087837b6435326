"""What a run consists of: an analysis with its options, on data, under the name of its part of the report."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, GanProbeError, described, one_line
from gan_probe.options import parse_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gan_probe.analysis import Analysis
    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.own_process import Opened
    from gan_probe.plugins import Registered
    from gan_probe.report import Report

SIZE_WITHOUT_GAN = 32  # at which data are looked at where no checkpoint says a size


@dataclass(frozen=True)
class Task:
    """One thing to run: a registered analysis, its options as typed, and the data that it gets.

    `name` and `title` are those of its part of the report; without, the analysis' own. `gan` is another checkpoint than
    the run's. `missing` says, in a sentence with what to do, what it lacks: such a task is refused unasked. `complete`
    adds to the report what is known beside the analysis, whatever became of it.
    """

    registered: Registered
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Data | None = None
    no_data: str = ""  # why the data that the card names are not used
    name: str = ""
    title: str = ""
    gan: GAN | None = None
    missing: str = ""
    complete: Callable[[Report], Report] | None = None
    reopen: Callable[[], Opened] | None = None  # opens GAN and data again in a process of the analysis' own

    options: Any = field(init=False)  # the values, parsed; UsageError or BadInputError for what cannot be
    recorded: Mapping[str, Any] = field(init=False)  # the options as they were before anything ran
    fault: str = field(init=False, default="")  # of the analysis' own code, in reading its options

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.analysis.name)
        object.__setattr__(self, "title", self.title or self.analysis.title or self.name)
        options, recorded = None, {}
        try:
            options = parse_options(self.analysis.Options, dict(self.values))
            recorded = dataclasses.asdict(options)
        except GanProbeError:
            raise
        except Exception as error:  # its own bug, which must cost nobody else a result
            object.__setattr__(self, "fault", one_line(f"{self.name}: its options failed, {described(error)}"))
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "recorded", recorded)

    @property
    def analysis(self) -> type[Analysis[Any]]:
        """The analysis itself."""
        return self.registered.analysis


def key_of(task: Task, gan: GAN | None, seed: int) -> str:
    """A SHA-256 of all that a task's result depends on: equal keys, equal results; empty where that cannot be told.

    It takes in the checkpoint and how it was read, the analysis' code and distribution, its options, the files that
    they name, the seed and the data; not the batch size and the device, nor other models that a feature space names.
    """
    gan = task.gan or gan
    if task.analysis.needs_checkpoint() and (gan is None or not gan.card.sha256):
        return ""
    size = (gan.card.image_size, gan.card.channels) if gan is not None else (SIZE_WITHOUT_GAN, 3)
    try:
        what = {
            "checkpoint": gan.card.to_dict() if gan is not None else None,
            "analysis": task.analysis.name,
            "distribution": task.registered.distribution,
            "code": _code(task.analysis),
            "options": task.recorded,
            "files": {
                name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in _files(task.recorded.values())
            },
            "seed": seed,
            "data": None if task.data is None else [task.data.name, *_splits(task.data, *size)],
        }
    except (BadInputError, OSError):
        return ""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def _splits(data: Data, image_size: int, channels: int) -> Iterator[str]:
    from gan_probe.data.identity import content_stamp, listing_fingerprint

    for split in (data.train, data.test):
        if split is not None:
            yield f"{listing_fingerprint(split, image_size, channels)} {content_stamp(split)}"


def _files(values: Iterable[Any]) -> Iterator[str]:
    """The files that options name: a value, or one of several, that is a file's path."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _files(value)
        elif isinstance(value, str) and len(value) < 4096 and "\0" not in value and Path(value).is_file():
            yield value


def _code(analysis: type[Analysis[Any]]) -> str:
    """A SHA-256 of the sources of the analysis' module, or of the whole package where it is a package's."""
    try:
        source = Path(inspect.getfile(analysis))
    except TypeError:  # typed into a session
        return ""
    files = sorted(source.parent.rglob("*.py")) if source.name == "__init__.py" else [source]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(source.parent)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
