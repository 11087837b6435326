"""What is compared: checkpoints with their names, their places in a training, and their reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe.report import Report


@dataclass(frozen=True)
class Contender:
    """A checkpoint and what its analyses gave.

    `moment` is its place among the snapshots of the `training` of that name, None where it is not one of them; `error`
    says why it could not be opened; `folder` is where its own report lies, relative to the comparison's.
    """

    name: str
    reports: Mapping[str, Report] = field(default_factory=dict)
    moment: float | None = None
    training: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    folder: str = ""

    def outcome(self, analysis: str) -> str:
        """`ok`, or the status and its reason."""
        report = self.reports.get(analysis)
        if report is None:
            return f"failed: {self.error}" if self.error else "not run"
        return "ok" if report.status == "ok" else f"{report.status}: {report.error}"
