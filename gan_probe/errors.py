"""What can go wrong, each with its exit code; every message is one line that says what to do next."""

from __future__ import annotations

import os
import traceback


class GanProbeError(Exception):
    """An error that the user can mend: the command line prints its message as one line and exits with `exit_code`."""

    exit_code = 1


class UsageError(GanProbeError):
    """The call itself is wrong: an unknown plugin, an ambiguous or missing option."""

    exit_code = 2


class BadInputError(GanProbeError):
    """A checkpoint, a data set or an option's value cannot be used."""

    exit_code = 3


class OutputError(GanProbeError):
    """The output cannot be written: the folder is in use, not empty, or the disk is full."""

    exit_code = 5


class StoppedError(GanProbeError):
    """The work was asked to stop, and has saved what it takes to go on."""

    exit_code = 75


def one_line(message: object, limit: int = 200) -> str:
    """The message as a single printable line of at most `limit` characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(message)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def described(error: BaseException, module: str = "") -> str:
    """The type and message of any error, on one line; strangers' errors may fail to say theirs.

    Of a `module` it adds the file and line of its package where the error came from: `(sharpness.py, line 41)`.
    """
    where = ""
    package = module.partition(".")[0]
    for frame, line in traceback.walk_tb(error.__traceback__ if package else None):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            where = f" ({os.path.basename(frame.f_code.co_filename)}, line {line})"
    try:
        return one_line(f"{type(error).__name__}: {error}", 150 if where else 400) + where
    except BaseException:
        return type(error).__name__
