"""What a training leaves on disk as it goes: states to resume from, and checkpoints at chosen epochs."""

from __future__ import annotations

import dataclasses
import re
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.errors import BadInputError, OutputError, StoppedError, one_line
from gan_probe.options import Options, option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gan_probe.gan import GAN, Card
    from gan_probe.training.state import TrainingState

STATES, CHECKPOINTS = "states", "checkpoints"  # folders beside the report
STATE = re.compile(r"step-(\d+)\.pt")
OURS = re.compile(r"step-\d+\.pt|epoch-[0-9.e+-]+\.pt|\..*\.pt\..*\.partial")
BEFORE = {"mirror": False, "from": None}  # what trainings did that were begun before there was the option
CHEAP = 50  # a state is saved at an epoch's end too, where this many times its cost have passed since the last


@dataclass(frozen=True)
class Keeping(Options):
    """What a training keeps on disk besides its result; values outside an option's bounds are a BadInputError."""

    save_every: float = option(5.0, "minutes between the states that --resume goes on from; 0: after each step", min=0)
    keep_last: int = option(2, "how many of these states are kept", min=1)
    keep_every: int | None = option(None, "also keep a checkpoint of every N-th epoch, for good", min=1)
    snapshots: tuple[float, ...] = option(
        (), "also keep checkpoints after so many epochs, fractions too, e.g. 0.1,0.5,1,5", min=0
    )


def states(folder: Path) -> list[Path]:
    """The states in a training's folder, oldest first."""
    found = [path for path in (folder / STATES).glob("step-*.pt") if STATE.fullmatch(path.name)]
    return sorted(found, key=_step)


def _step(path: Path) -> int:
    match = STATE.fullmatch(path.name)
    return int(match[1]) if match else -1


class Keeper:
    """Saves a training as it goes, and stops it after a step where `stop` says so.

    `identity` is what the training is made of, in plain data: a state of another is refused. `described` puts onto a
    card what holds at every moment: the training's name, its data. Where `writes` is false, another process saves.
    """

    def __init__(
        self,
        folder: Path,
        options: Keeping,
        identity: Mapping[str, Any],
        *,
        described: Callable[[Card], Card] = lambda card: card,
        stop: Callable[[], bool] = lambda: False,
        resume: bool = False,
        writes: bool = True,
    ) -> None:
        self.folder = folder
        self.options = options
        self.identity = dict(identity)
        self.described = described
        self.stop = stop
        self.resume = resume
        self.writes = writes
        self._saved = -1  # the step of the newest state
        self._saved_at = time.monotonic()
        self._cost = 0.0
        self._kept: dict[int, float] = {}  # the steps after which a checkpoint is kept: how many epochs that is

    def begin(self, state: TrainingState) -> bool:
        """Go on from the newest state that can be read, if that is wanted and there is one: whether there was.

        OutputError where a folder cannot be made; BadInputError where no state can be read, where the one there is of
        another training, or where it has gone farther already than this one shall.
        """
        self._kept = self._moments(state)
        resumed = self.resume and self._restore(state)
        if resumed:
            self._saved = state.step
        if self.writes:
            self._clear(everything=not resumed)
        self._saved_at = time.monotonic()
        return resumed

    def after(self, state: TrainingState, finish: Callable[[], GAN]) -> None:
        """Save what is due after this step (0: before the first); StoppedError once all is saved and `stop` says so.

        `finish` makes the GAN that a checkpoint holds, with batch norm's statistics.
        """
        stop = self.stop()
        kept = None
        if state.step in self._kept:
            moment = f"epoch {self._kept[state.step]:g}"
            kept = self.folder / CHECKPOINTS / f"{moment.replace(' ', '-')}.pt"
        if self.writes and state.step != self._saved and (stop or kept or self._due(state)):
            self.save(state)
        # the state first: whoever resumes from it comes by here
        if self.writes and kept and not kept.exists():
            save_checkpoint(self._named(finish(), moment), kept)
        if stop and state.step < state.total:
            raise self._stopped(state)

    def check(self, state: TrainingState) -> None:
        """Raise StoppedError if `stop` says so; for the work on a state that is saved."""
        if self.stop():
            raise self._stopped(state)

    def _stopped(self, state: TrainingState) -> StoppedError:
        return StoppedError(
            f"stopped after step {state.step:,} of {state.total:,}, which is saved: "
            "the same command line with --resume goes on from there"
        )

    def save(self, state: TrainingState) -> None:
        """Write a state, then remove those before the last few; DivergedError rather than one that is not finite."""
        began = time.monotonic()
        state.check_weights()
        extra = {"training": state.state_dict(), "identity": self.identity}
        path = self.folder / STATES / f"step-{state.step:09d}.pt"
        save_checkpoint(self._named(state.gan, f"step {state.step}"), path, extra)
        known = states(self.folder)
        # a state of a later step is one that could not be read: its steps are gone through once more
        useful = [p for p in known if _step(p) <= state.step][-self.options.keep_last :]
        for old in set(known) - set(useful):
            _remove(old)
        self._saved, self._saved_at = state.step, time.monotonic()
        self._cost = self._saved_at - began

    def _due(self, state: TrainingState) -> bool:
        waited = time.monotonic() - self._saved_at
        if state.step in (0, state.total) or waited >= 60 * self.options.save_every:
            return True
        return state.ends_epoch and waited >= CHEAP * self._cost

    def _named(self, gan: GAN, moment: str) -> GAN:
        card = self.described(gan.card)
        return dataclasses.replace(gan, card=dataclasses.replace(card, name=f"{card.name}, {moment}"))

    def _moments(self, state: TrainingState) -> dict[int, float]:
        if beyond := [epochs for epochs in self.options.snapshots if epochs > state.epochs]:
            raise BadInputError(f"--snapshots {beyond[0]:g}: training ends after {state.epochs} epochs")
        moments = set(self.options.snapshots)
        if every := self.options.keep_every:
            moments |= set(range(every, state.epochs + 1, every))
        kept: dict[int, float] = {}
        for epochs in sorted(moments):
            step = max(int(epochs > 0), round(epochs * state.steps_per_epoch))
            if step in kept:
                raise BadInputError(
                    f"checkpoints after {kept[step]:g} and {epochs:g} epochs would be one: an epoch has "
                    f"{state.steps_per_epoch:,} step{'' if state.steps_per_epoch == 1 else 's'}"
                )
            kept[step] = epochs
        return kept

    def _restore(self, state: TrainingState) -> bool:
        unreadable: BadInputError | None = None
        for path in reversed(states(self.folder)):
            try:
                gan, extra = load_checkpoint(path)
            except BadInputError as error:
                unreadable = BadInputError(one_line(f"{path}: {error}"))
                warnings.warn(f"{path}: {error}; the state before it is taken", stacklevel=2)
                continue
            self._check_identity(extra.get("identity", {}))
            state.load_state_dict(gan, extra.get("training", {}))
            if state.step > state.total:
                done = state.step / state.steps_per_epoch
                raise BadInputError(f"{path} has {done:g} epochs behind it already: pass --epochs of at least that")
            return True
        if unreadable is not None:
            raise unreadable
        return False

    def _check_identity(self, theirs: Mapping[str, Any]) -> None:
        theirs = BEFORE | dict(theirs)
        for key, mine in self.identity.items():
            if theirs.get(key) != mine:
                was, now = (one_line(str(value), 40) for value in (theirs.get(key), mine))
                raise BadInputError(
                    f"{self.folder} was begun with {key} {was}, not {now}: resume with that, or begin anew with --force"
                )

    def _clear(self, everything: bool) -> None:
        """Make the folders, and remove what a killed process left half-written; of another training, everything."""
        wanted = {STATES: True, CHECKPOINTS: bool(self._kept)}
        for name, needed in wanted.items():
            folder = self.folder / name
            try:
                if needed:
                    folder.mkdir(parents=True, exist_ok=True)
                found = list(folder.iterdir()) if folder.is_dir() else []
            except OSError as error:
                raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
            for path in found:
                if OURS.fullmatch(path.name) and (everything or path.suffix == ".partial"):
                    _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
