"""What the process has once for everybody: noted, and put back behind an analysis.

Each function notes a state, and returns the function that puts it back and says in words what had changed, if so.
"""

from __future__ import annotations

import contextlib
import gc
import locale
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# libraries note these for themselves when they are imported, once in a process: OpenMP in scikit-learn, and torch
IMPORTS_SET = ("KMP_", "TORCHINDUCTOR_")
STREAMS = ("stdin", "stdout", "stderr")


def _environment() -> Callable[[], str]:
    before = dict(os.environ)

    def restore() -> str:
        kept = {k: v for k, v in os.environ.items() if k.startswith(IMPORTS_SET) and k not in before}
        if os.environ == before | kept:
            return ""
        os.environ.clear()
        os.environ.update(before | kept)
        if hasattr(time, "tzset"):
            time.tzset()
        return "environment variables"

    return restore


def _folder() -> Callable[[], str]:
    try:
        before = os.getcwd()
    except OSError:  # somebody has deleted it
        return lambda: ""

    def restore() -> str:
        with contextlib.suppress(OSError):  # an analysis may have deleted the folder it stood in
            if os.getcwd() == before:
                return ""
        os.makedirs(before, exist_ok=True)
        os.chdir(before)
        return "the working directory"

    return restore


def _umask() -> Callable[[], str]:
    def restore() -> str:
        return "the umask" if os.umask(before) != before else ""

    before = os.umask(0)
    os.umask(before)
    return restore


def _streams() -> Callable[[], str]:
    before = {name: getattr(sys, name) for name in STREAMS}
    copies: dict[int, int] = {}
    for number in range(3):
        with contextlib.suppress(OSError):  # it is closed
            copies[number] = os.dup(number)

    def restore() -> str:
        changed = [name for name in STREAMS if getattr(sys, name) is not before[name]]
        for name in changed:
            setattr(sys, name, before[name])
        for number, copy in copies.items():
            if not _same_file(number, copy):
                os.dup2(copy, number)
                changed.append(str(number))
            os.close(copy)
        return "standard input and output" if changed else ""

    return restore


def _same_file(a: int, b: int) -> bool:
    try:
        return os.path.samestat(os.fstat(a), os.fstat(b))
    except OSError:
        return False


def _signals() -> Callable[[], str]:
    # only the main thread may set handlers, and one that no Python code has set (None) cannot be set again
    if threading.current_thread() is not threading.main_thread():
        return lambda: ""
    found = {number: signal.getsignal(number) for number in signal.valid_signals()}
    handlers = {number: handler for number, handler in found.items() if handler is not None}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, []) if hasattr(signal, "pthread_sigmask") else None

    def restore() -> str:
        changed = [number for number in handlers if signal.getsignal(number) is not handlers[number]]
        for number in changed:
            signal.signal(number, handlers[number])
        moved = blocked is not None and signal.pthread_sigmask(signal.SIG_SETMASK, blocked) != blocked
        return "signal handlers" if changed or moved else ""

    return restore


def _alarm() -> Callable[[], str]:
    if not hasattr(signal, "setitimer"):
        return lambda: ""
    before, began = signal.getitimer(signal.ITIMER_REAL), time.monotonic()

    def restore() -> str:
        left = max(before[0] - (time.monotonic() - began), 0.001) if before[0] else 0.0
        now = signal.getitimer(signal.ITIMER_REAL)[0]
        if now == left or (before[0] and abs(now - left) < 1):  # seconds: it has gone on meanwhile
            return ""
        signal.setitimer(signal.ITIMER_REAL, left, before[1])
        return "the alarm clock"

    return restore


def _limits() -> Callable[[], str]:
    try:
        import resource
    except ImportError:  # Windows has none
        return lambda: ""
    kinds = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
    before = {kind: resource.getrlimit(kind) for kind in kinds}

    def restore() -> str:
        changed = [kind for kind in before if resource.getrlimit(kind) != before[kind]]
        for kind in changed:
            hard = resource.getrlimit(kind)[1]  # once lowered, it stays
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (before[kind][0], hard))
        return "the process' limits" if changed else ""

    return restore


def _locale() -> Callable[[], str]:
    before = locale.setlocale(locale.LC_ALL)

    def restore() -> str:
        if locale.setlocale(locale.LC_ALL) == before:
            return ""
        locale.setlocale(locale.LC_ALL, before)
        return "the locale"

    return restore


def _interpreter() -> Callable[[], str]:
    recursion, collects, hook = sys.getrecursionlimit(), gc.isenabled(), sys.excepthook
    path, folders = sys.path, list(sys.path)

    def restore() -> str:
        now = sys.getrecursionlimit(), gc.isenabled(), sys.excepthook, list(sys.path)
        if now == (recursion, collects, hook, folders):
            return ""
        sys.setrecursionlimit(recursion)
        (gc.enable if collects else gc.disable)()
        sys.excepthook = hook
        path[:], sys.path = folders, path
        return "the interpreter's settings"

    return restore


PROCESS = (_environment, _folder, _umask, _streams, _signals, _alarm, _limits, _locale, _interpreter)
