"""How a command ends early: SIGTERM, which batch systems and `docker stop` send, as Ctrl-C does; a reader that goes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_CODE = 128 + signal.SIGTERM  # 143, as shells count


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM is a KeyboardInterrupt; once that has unwound the block, the command exits with 143."""
    if threading.current_thread() is not threading.main_thread():  # signals belong to the main thread
        yield
        return
    received = False

    def interrupt(*_: object) -> NoReturn:
        nonlocal received
        received = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if not received:
            raise
        click.echo("gan-probe: terminated", err=True)
        raise click.exceptions.Exit(EXIT_CODE) from None
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Within the block a first SIGTERM or Ctrl-C only makes the function that it gives say True; the next one stops.

    A second Ctrl-C is a KeyboardInterrupt; a second SIGTERM changes nothing, as batch systems may repeat it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = False

    def ask(number: int, _: object) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not asked:
            click.echo("gan-probe: stopping after this step; Ctrl-C again stops at once", err=True)
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def write_nowhere() -> None:
    """From here on nothing that is printed, also at exit, meets the standard output that cannot take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
