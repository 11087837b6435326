"""A run carried out into a report's folder: what `gan-probe run` and plugins' commands of their own share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from gan_probe.cli import options as shared
from gan_probe.cli.termination import terminable, write_nowhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gan_probe.report import Report, RunReport
    from gan_probe.report.folder import ReportFolder
    from gan_probe.runner import Run


def carry_out(
    job: Run,
    path: Path,
    *,
    force: bool = False,
    resume: bool = False,
    again: str = "the same line with --resume",
    show: Callable[[Report, bool], None] | None = None,
) -> RunReport:
    """Run the tasks and write their parts into the folder as they end; other people's formats follow at the end.

    With `resume` the folder's earlier report is gone on with: parts of it that these tasks would bring forth again are
    taken over. `show` receives every part as it lands, and whether it was taken over. SIGTERM and Ctrl-C save what is
    done and raise StoppedError, which says that the line `again` goes on.
    """
    from gan_probe.errors import StoppedError
    from gan_probe.report.folder import ReportFolder

    with terminable(), ExitStack() as stack:
        job.progress = stack.enter_context(shared.progress())
        job.check()
        folder = stack.enter_context(ReportFolder(path, force=force, resume=resume))
        done, images = _taken_over(job, folder, force)

        def land(whole: RunReport, report: Report) -> None:
            folder.add(whole, report)
            try:
                if show is not None:
                    show(report, done.get(report.name) is not None)
            except BrokenPipeError:
                write_nowhere()  # the reader has gone, as `head` does; the report has not

        try:
            result = job.start(land, done, images)
        except KeyboardInterrupt:
            raise StoppedError(f"stopped; what was done is in {path}: {again} goes on") from None
        folder.finish(result)
        pass_on(result, folder.path)
    return result


def pass_on(result: RunReport, folder: Path) -> None:
    """Let plugins write a report that is whole in their own formats."""
    from gan_probe.plugins import host

    for _ in host().call("write_report", lambda _: None, report=result, folder=folder):
        pass  # it gives nothing: what it writes is its result


def _taken_over(job: Run, folder: ReportFolder, force: bool) -> tuple[dict[str, Report], list[dict[str, object]]]:
    """The earlier parts that serve, and what that run had read; OutputError where another run's would be lost."""
    from gan_probe.errors import OutputError

    if folder.unreadable:
        click.echo(f"note: nothing to go on with: {folder.unreadable}", err=True)
    for line in folder.earlier.damaged if folder.earlier else ():
        click.echo(f"note: run again, as {line}", err=True)
    earlier = folder.earlier.report if folder.earlier else None
    done = job.resumable(earlier)
    if earlier is None:
        return done, []
    results = [part.name for part in earlier.analyses if part.status == "ok" and part.key]
    if results and not done and not force:
        raise OutputError(f"{folder.path} holds another run's report: pass --force to replace it, or another --out")
    unasked = sorted(set(results) - {task.name for task in job.tasks})
    if unasked and not force:
        raise OutputError(f"{folder.path} holds {unasked[0]} too, which would be lost: ask for it, or pass --force")
    return done, list(earlier.run.get("images", [])) if done else []
