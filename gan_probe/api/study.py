"""The one place that makes a checkpoint's `Run`, for the commands too; and from Python one analysis of one."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.api.opening import DataRequest, load
from gan_probe.errors import GanProbeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.own_process import Opened
    from gan_probe.report import Report
    from gan_probe.runner import Run


@dataclass
class Study:
    """What a checkpoint, or each of several, is put through.

    `plan` is a run that wants only the checkpoint and the data: its tasks have their options, and it has the settings.
    """

    plan: Run
    wanted: DataRequest = field(default_factory=DataRequest)
    data: Data | None = None
    no_data: str = ""  # why the data that the card names are not used

    def find_data(self, gan: GAN | None = None) -> Data | None:
        """Open the data that are asked for or, without such, those that this card names: these are returned, too."""
        self.data, self.no_data = self.wanted.find(gan, [task.analysis for task in self.plan.tasks])
        if gan is None or self.data is None or self.wanted.spec is not None:
            return None
        self.wanted = replace(self.wanted, spec=str(gan.card.training_data))
        return self.data

    def run(
        self,
        gan: GAN | None,
        again: Callable[[], GAN | None] | None = None,
        shared: dict[Hashable, Any] | None = None,
    ) -> Run:
        """The run of this checkpoint, which `again` opens in another process; `shared` is that of a comparison."""
        reopen = None if again is None else functools.partial(_reopen, again, replace(self.wanted, download=False))
        return replace(
            self.plan,
            gan=gan,
            tasks=[replace(t, data=self.data, no_data=self.no_data, reopen=reopen) for t in self.plan.tasks],
            data=None if self.data is None else self.data.name,
            open_data=self.wanted.open,
            shared=shared,
        )


def _reopen(again: Callable[[], GAN | None], wanted: DataRequest) -> Opened:
    """Open in another process what has been opened in this one; what was downloaded is there by now."""
    from gan_probe.own_process import Opened

    return Opened(again(), wanted.find(None, ())[0], wanted.open)


def run(
    gan: GAN | str | Path | None,
    analysis: str,
    *,
    data: str | Path | Data | None = None,
    seed: int = 0,
    device: str | None = None,
    batch_size: int = 128,
    **options: Any,
) -> Report:
    """Run one analysis and return its `Report`, which shows itself in a notebook.

    `gan` is a GAN, a path or a name; `options` are the analysis' own, by their Python names. Data that need more than
    a name or a path are opened first: `data=gan_probe.open_data("x.npz", labels="pose")`. Without `device` a GAN is
    run where it is, and a checkpoint on the CPU. What fails raises here: GanProbeError with one line for what you can
    mend.
    """
    from gan_probe.checkpoints.weights import placed
    from gan_probe.plugins import host
    from gan_probe.runner import Run
    from gan_probe.tasks import Task

    task = Task(host().find(analysis), options)
    opened = load(gan) if isinstance(gan, str | Path) else gan
    if opened is not None and device is not None:
        placed(opened, device)
    device = device or (str(opened.device) if opened is not None else "cpu")
    study = Study(Run(None, [task], None, seed, device, batch_size, command="gan_probe.run"), DataRequest(data))
    study.find_data(opened)
    job = study.run(opened)
    report = job.start().analyses[0]
    if report.status != "ok":
        raise job.errors[0] if job.errors else GanProbeError(report.error)
    return report
