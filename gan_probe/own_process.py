"""An analysis in a process of its own: what crashes, hangs or devours memory there costs nobody else a result."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, GanProbeError, OutputError, UsageError, described, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from gan_probe.analysis import Context
    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.options import Options
    from gan_probe.report import Report

POLL = 0.1  # seconds between two looks at the process
MENDABLE = {kind.__name__: kind for kind in (GanProbeError, BadInputError, OutputError, UsageError)}


class CrashedError(Exception):
    """The analysis failed by its own fault, or its process ended; the message says how."""


@dataclass(frozen=True)
class Limits:
    """What a process may take: `seconds` until it ends, and bytes of `memory` (watched on Linux alone)."""

    seconds: float = 3600.0
    memory: int | None = None  # None: three quarters of what is available when it starts


@dataclass(frozen=True)
class Opened:
    """What an analysis is run on, opened anew in its process."""

    gan: GAN | None
    data: Data | None
    open_data: Callable[[str, str | None], Data] | None = None


@dataclass(frozen=True)
class Job:
    """An analysis to run elsewhere: its registered name, its options, and how to open there what it runs on."""

    open: Callable[[], Opened]  # pickled by reference: a partial of a module's function
    analysis: str
    options: Options
    seed: int
    device: str
    batch_size: int
    threads: int
    sha256: str = ""  # of the checkpoint, which must not have changed meanwhile


@dataclass(frozen=True)
class Outcome:
    """A checked report, what had to be put back, a line for each set of images read, whether G or D was rebuilt."""

    report: Report
    restored: list[str]
    loaded: list[dict[str, Any]] = field(default_factory=list)
    rebuilt: bool = False


def lent(gan: GAN | None) -> GAN | None:
    """A handle of an analysis' own on the same networks: what is assigned to it, nobody else sees."""
    import copy

    if gan is None:
        return None
    handle = copy.copy(gan)
    handle.card = copy.deepcopy(gan.card)
    return handle


def perform(analysis: Any, gan: GAN | None, options: Options, context: Context, drawn: bool = False) -> Outcome:
    """Run an analysis here and undo its traces; whatever it raises passes. `drawn` draws its figures here, too."""
    import copy

    from gan_probe.isolation import contained
    from gan_probe.lent_stream import printing_aside
    from gan_probe.report.check import check_report
    from gan_probe.report.drawn import with_drawings

    used = gan
    if gan is not None and "gradients" in analysis.needs - gan.gives:
        used = gan.differentiable().to(context.device)
    with contained(used) as restored, printing_aside():
        report = check_report(analysis().run(lent(used), copy.copy(options), context), analysis.references)
        if drawn:
            report = with_drawings(report)
    return Outcome(report, restored, context.loaded, used is not gan)


def perform_apart(job: Job, limits: Limits, progress: Callable[[int, int, str], None] | None) -> Outcome:
    """Run an analysis in a new process and wait for it.

    Raises the GanProbeError that it raised, CrashedError with its traceback as a note for other errors, and for a
    process that ended by itself, by a signal or at a limit. KeyboardInterrupt passes once the process is gone.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    # not a daemon: it may start processes of its own, which end with it
    process = context.Process(target=_work, args=(theirs, job))
    process.start()
    theirs.close()
    try:
        return _wait(process, ours, limits, progress)
    finally:
        _end(process)
        ours.close()


def _end(process: SpawnProcess) -> None:
    """End the process, whatever it is doing, and with it those that it started."""
    if process.pid is not None and hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ValueError, OSError):
        process.kill()
        process.join(10)


def _wait(
    process: SpawnProcess, pipe: Connection, limits: Limits, progress: Callable[[int, int, str], None] | None
) -> Outcome:
    from gan_probe.data.memory import available_memory

    available = available_memory()
    most = limits.memory or (None if available is None else available * 3 // 4)
    began = time.monotonic()
    while True:
        ended = process.exitcode is not None  # asked before looking: what it sent last is still read
        if pipe.poll(0 if ended else POLL):
            try:
                kind, content = pipe.recv()
            except EOFError:
                process.join(10)
                raise CrashedError(_ending(process.exitcode)) from None
            except Exception as error:  # what a stranger sent cannot be read
                raise CrashedError(f"its report cannot be read, {described(error)}") from error
            if kind == "outcome" and isinstance(content, Outcome):
                return content
            if kind == "error":
                raise _error(*content)
            if kind == "progress" and progress is not None:
                progress(*content)
        elif ended:  # the pipe is open still: in a process that it has left behind
            raise CrashedError(_ending(process.exitcode))
        if time.monotonic() - began > limits.seconds:
            raise CrashedError(f"stopped: it had not ended after {limits.seconds / 60:.3g} minutes (--time-limit)")
        if most is not None and (resident(process.pid) or 0) > most:
            raise CrashedError(f"stopped: it took more than {most / 1e9:.1f} GB of memory (--memory-limit)")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended by itself, with exit code {code}"


def _error(kind: str, message: str, trace: str) -> Exception:
    error = MENDABLE[kind](message) if kind in MENDABLE else CrashedError(message)
    error.add_note(trace)
    return error


def resident(pid: int | None) -> int | None:
    """Bytes of memory that a process holds now; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _work(pipe: Connection, job: Job) -> None:
    """The process: open, run, send the outcome; printing goes to stderr, as stdout is for results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # a group of its own, so that what it starts can be ended with it
        threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # there may be no standard error
        os.dup2(2, 1)  # also for what it prints without Python
    message: tuple[str, Any]
    try:
        message = ("outcome", _opened_and_performed(pipe, job))
    except BaseException as error:
        message = ("error", _told(error, job))
    try:
        pipe.send(message)
    except Exception as error:  # a figure that cannot be pickled, say
        pipe.send(("error", _told(error, job)))


def _end_with_parent() -> None:
    """Whatever ends the run, a closed terminal or kill -9, ends this process, too, and those that it started."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)


def _told(error: BaseException, job: Job) -> tuple[str, str, str]:
    from gan_probe.plugins import host

    kind = next((name for name, cls in MENDABLE.items() if type(error) is cls), "")
    module = host().analyses[job.analysis].analysis.__module__ if job.analysis in host().analyses else ""
    return kind, one_line(error, 400) if kind else described(error, module), traceback.format_exc()


def _opened_and_performed(pipe: Connection, job: Job) -> Outcome:
    import dataclasses

    import torch

    from gan_probe.analysis import Context
    from gan_probe.plugins import host

    torch.set_num_threads(job.threads)
    opened = job.open()
    if opened.gan is not None and opened.gan.card.sha256 != job.sha256:
        raise BadInputError("the checkpoint has changed since the run began: start again")
    last = 0.0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last > POLL:
            last = time.monotonic()
            pipe.send(("progress", (int(done), int(total), str(what))))

    context = Context(job.seed, job.device, job.batch_size, opened.data, progress)
    if opened.open_data is not None:
        context = dataclasses.replace(context, open_data=opened.open_data)
    return perform(host().find(job.analysis).analysis, opened.gan, job.options, context, drawn=True)
