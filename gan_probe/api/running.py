"""One analysis over one checkpoint, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.api.opening import DataRequest, load
from gan_probe.api.study import Study
from gan_probe.errors import GanProbeError

if TYPE_CHECKING:
    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.report import Report


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
