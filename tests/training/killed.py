"""Kills trainings at random moments and looks at what they leave: `python killed.py FOLDER SEED KILLS [KILLS]`.

A process is forked for every training, after the imports that would take most of its time. Prints a line of JSON
and, for the second number of kills, another on trainings that write their checkpoints in place.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gan_probe import disk
from gan_probe.checkpoints.native import load_checkpoint
from gan_probe.cli.termination import postponed
from gan_probe.data import Data, Split
from gan_probe.errors import BadInputError, StoppedError
from gan_probe.training import Recipe, checkpoint
from gan_probe.training.keeping import Keeping, states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# every step is saved: of a training's time most is spent saving, so that many kills land there
RECIPE = Recipe(epochs=3, width=2, z_size=4, batch_size=8)
KEEPING = Keeping(save_every=0, snapshots=(0.2, 0.6), keep_every=1)
LONGEST = 0.5  # seconds from a training's start to its end by a signal: it takes about as long
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)


def train(out: Path, begin: bool, stop: Callable[[], bool] = lambda: False) -> None:
    """A training that resumes the one there or, to begin, replaces it."""
    data = Data("noise", Split.from_arrays("noise", IMAGES))
    kept: dict[str, Any] = {"keeping": KEEPING, "resume": not begin, "force": begin}
    checkpoint.train_checkpoint(data, out, RECIPE, **kept, interruption=contextlib.nullcontext(stop))


def fork(out: Path, in_place: bool) -> int:
    """A child that trains until something ends it."""
    if child := os.fork():
        return child
    code = 1
    try:
        if in_place:
            disk.replacing = written_in_place
        with postponed() as asked:
            train(out, out.exists(), asked)
            while not asked():
                train(out, True, asked)
            code = 0  # asked when all was trained and only the result had to be written
    except StoppedError as stop:
        code = stop.exit_code
    except Exception:  # the report of what should not be
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def written_in_place(path: Path) -> Iterator[IO[bytes]]:
    """What a plain `open` does to a checkpoint that stands there, slowed down to a disk's pace."""
    with path.open("wb", buffering=0) as file:

        class Slow:
            def write(self, content: bytes) -> None:
                for i in range(0, len(content), 4096):
                    file.write(content[i : i + 4096])
                    time.sleep(1e-4)

        yield Slow()  # type: ignore[misc]


def unreadable(folder: Path) -> list[str]:
    """The checkpoints and states that cannot be opened."""
    bad = []
    for path in sorted(folder.rglob("*.pt")):
        try:
            load_checkpoint(path)
        except BadInputError as error:
            bad.append(f"{path.name}: {error}")
    return bad


def main(folder: Path, kills: int, seed: int, in_place: bool) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    out = folder / "a.pt"
    beside = folder / "a-training"
    folder.mkdir()
    found: Counter[str] = Counter()
    bad: list[str] = []
    for _ in range(kills):
        number = signal.SIGKILL if rng.random() < 0.5 else signal.SIGTERM
        child = fork(out, in_place)
        time.sleep(rng.uniform(0, LONGEST))
        os.kill(child, number)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        found["kills"] += 1
        found[f"{number.name} {'exit' if code >= 0 else 'death by'} {abs(code)}"] += 1
        found["inside a save"] += any(beside.rglob("*.partial"))
        found["with a finished checkpoint"] += out.exists()
        found["states seen"] += len(states(beside))
        bad += unreadable(folder)
        if number == signal.SIGTERM and code == 75:
            found["stops without a state"] += not states(beside)
        if bad and in_place:
            break  # it has shown what it was to show
    return {**found, "unreadable": bad}


if __name__ == "__main__":
    # figures take longer than all the rest
    checkpoint.training_report = lambda *_: None  # type: ignore[assignment]
    checkpoint.ReportFolder.add = lambda *_: None  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as warm:  # what torch imports when it is first used, once for all the children
        train(Path(warm) / "a.pt", begin=True)
    place, seed = Path(sys.argv[1]), int(sys.argv[2])
    for way, kills in enumerate(sys.argv[3:]):
        print(json.dumps(main(place / str(way), int(kills), seed, in_place=way == 1)))
