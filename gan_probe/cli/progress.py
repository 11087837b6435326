"""Progress on stderr: a bar on a terminal, a line a minute elsewhere, so that a log tells work from standstill."""

from __future__ import annotations

import sys
import time
from typing import Any

from gan_probe.report.text import shorten

LONGEST = 60  # characters of what is being done: a plugin may say anything
SILENCE = 60  # seconds between lines where there is no terminal


class Progress:
    """A progress callback `(done, total, what)` that draws one bar after the other; use it as a context.

    Where stderr is no terminal, it writes a line after each minute instead: nothing in runs shorter than that.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._what = ""
        self._said_at = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` steps of `what` are behind us."""
        if not sys.stderr.isatty():
            self._say(done, total, what)
            return
        what = shorten(what, LONGEST)
        if self._bar is None or self._bar.total != total or done < self._bar.n:
            from tqdm import tqdm

            self._close()
            # not from zero where work is resumed: speed and time left count what this process does
            first = max(done - 1, 0)
            self._bar = tqdm(total=total, desc=what, file=sys.stderr, leave=False, dynamic_ncols=True, initial=first)
        elif self._what != what:
            self._bar.set_description(what, refresh=False)
        self._what = what
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._close()

    def _say(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._said_at >= SILENCE:
            self._said_at = now
            sys.stderr.write(f"gan-probe: {shorten(what, LONGEST)}: {done:,} of {total:,}\n")
            sys.stderr.flush()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
