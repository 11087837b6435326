"""Standard error as analyses get it: what they print is shown there, what they close stays open."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@contextmanager
def printing_aside() -> Iterator[None]:
    """Within the block all that is printed goes to standard error, as standard output is for results alone."""
    stream = LentStream(sys.stderr)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ValueError):  # it is closed, or no file
            sys.stdout.flush()
            copy = os.dup(1)
            stack.callback(os.close, copy)
            os.dup2(2, 1)  # also what is printed without Python
            stack.callback(os.dup2, copy, 1)
        stack.enter_context(contextlib.redirect_stdout(stream))
        stack.enter_context(contextlib.redirect_stderr(stream))
        yield


class LentStream(io.TextIOBase):
    """Writes to another stream; closing it closes nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        """That of the stream behind it."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the stream behind it meets what it cannot encode."""
        return self._stream.errors

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream behind it; UnsupportedOperation where it has none."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Pass the text on."""
        return self._stream.write(text)

    def flush(self) -> None:
        """Pass on what is held back."""
        self._stream.flush()

    def close(self) -> None:
        """Nothing: others write here, too."""
