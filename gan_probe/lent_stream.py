"""Standard error as analyses get it: what they print is shown, what they close stays open."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


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
