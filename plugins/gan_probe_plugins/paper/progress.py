"""What is said on standard error as items end, and how long the rest is going to take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gan_probe.report.html import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Report
    from gan_probe.tasks import Task
    from gan_probe_plugins.paper.item import Item


class Account:
    """Tells how far the paper is: each item's guess of its time, corrected by how long the others took."""

    def __init__(self, items: Sequence[Item], runnable: Sequence[str], quick: bool) -> None:
        self.guess = {item.name: 60 * item.minutes[quick] for item in items if item.name in runnable}
        self.total = len(items)
        self.ended = 0
        self.guessed = self.took = 0.0
        self.began = 0.0

    def begin(self, task: Task) -> None:
        """Say what starts now."""
        self.began = time.monotonic()
        left = sum(self.guess.values())
        # by its guess alone the first item would scale all the others
        scale = (self.took + 120) / (self.guessed + 120)
        about = duration(round(left * scale, -1)) or "seconds"
        click.echo(f"{task.title}: running; about {about} to go in all", err=True)

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
