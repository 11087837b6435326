"""What is said on standard error as items end, and how long the rest is going to take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gan_probe.report.html import duration

MEASURED = 32  # pixels: the size of images that items' minutes are of
GROWTH = 3  # a guess grows with this power of the size: 90 s for the digits' 16 pixels, 20 min for 32
PRIOR = 120  # seconds that the guess counts for: by its guess alone the first item would scale all the others

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Report
    from gan_probe.tasks import Task
    from gan_probe_plugins.paper.item import Item


class Account:
    """Tells how far the paper is: each item's guess of its time, corrected by how long the others took."""

    def __init__(self, items: Sequence[Item], runnable: Sequence[str], quick: bool, image_size: int) -> None:
        scale = 60 * (image_size / MEASURED) ** GROWTH
        self.guess = {item.name: scale * item.minutes[quick] for item in items if item.name in runnable}
        self.total = len(items)
        self.ended = 0
        self.guessed = self.took = 0.0
        self.began = 0.0

    def begin(self, task: Task) -> None:
        """Say what starts now."""
        self.began = time.monotonic()
        scale = (self.took + PRIOR) / (self.guessed + PRIOR)
        click.echo(f"{task.title}: running; {roughly(sum(self.guess.values()) * scale)} to go in all", err=True)

    def end(self, report: Report, taken_over: bool) -> None:
        """Say what has ended, and how."""
        if report.status == "interrupted":  # the last line says that the run was stopped
            return
        self.ended += 1
        guess = self.guess.pop(report.name, 0.0)
        if report.status == "ok" and not taken_over:
            self.guessed += guess
            self.took += time.monotonic() - self.began
        how = {"ok": "taken over" if taken_over else duration(report.seconds) or "done"}
        words = how.get(report.status, f"{report.status}: {report.error}")
        click.echo(f"[{self.ended}/{self.total}] {report.title}: {words}", err=True)


def roughly(seconds: float) -> str:
    """A time that is guessed, no more exactly than a guess is."""
    if seconds < 50:
        return "less than a minute"
    if seconds < 5 * 60:
        return "a few minutes"
    if seconds < 55 * 60:
        return f"about {5 * max(1, round(seconds / 300))} min"
    hours = round(seconds / 3600)
    return f"about {hours} hour{'' if hours == 1 else 's'}"
