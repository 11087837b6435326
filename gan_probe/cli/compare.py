"""`gan-probe compare`: the same analyses over several checkpoints, and how far their numbers differ."""

from __future__ import annotations

import functools
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gan_probe.cli import analyses
from gan_probe.cli import options as shared
from gan_probe.cli.carrying_out import pass_on
from gan_probe.cli.termination import terminable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.api import Contest, Study
    from gan_probe.comparison import Named
    from gan_probe.report import RunReport
    from gan_probe.report.folder import ReportFolder


@click.command(
    short_help="Run the same analyses over several checkpoints, and compare.",
    cls=analyses.AnalysesCommand,
    epilog="""\b
Examples:
  gan-probe compare -p linear-probe a.pt b.pt --data cifar10 --train-size 5000
  gan-probe compare -p samples -p quality faces-training/ --data faces/
  gan-probe compare -p samples gen1.pt+disc1.pt gen2.pt+disc2.pt""",
)
@shared.checkpoints
@analyses.plugin("An analysis to compare by; again for more.", required=True)
@analyses.data
@shared.data_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="comparison",
    show_default=True,
    metavar="DIR",
    help="Folder of the comparison; each checkpoint's own report lies in a folder within.",
)
@analyses.study
@click.option("--force", is_flag=True, help="Replace a comparison that is already there.")
@shared.debug
def command(sources: list[tuple[Named, shared.Source]], study: Study, out: Path, as_json: bool, force: bool) -> int:
    """Run the same analyses over the checkpoints CKPT and compare their numbers.

    The same seed, images and options serve all. Each checkpoint is held against the first, and each snapshot of a
    training against the one before it: differences are paired, with intervals, and corrected for their number. A folder
    of snapshots (a training's report, or files whose names differ by a number) stands for all of them, in order;
    G.pt+D.pt is one checkpoint of two files. Exit code 4 says that something failed; the rest is kept.
    """
    from gan_probe.api import Contest
    from gan_probe.comparison import Contender
    from gan_probe.report.folder import ReportFolder

    contest = Contest(study, lambda note: click.echo(f"note: {note}", err=True))
    contenders = contest.contenders
    with terminable(), ExitStack() as stack:
        study.plan.progress = stack.enter_context(shared.progress())
        folder = stack.enter_context(ReportFolder(out, force=force))
        try:
            for (one, source), place in zip(sources, _places([one for one, _ in sources]), strict=True):
                with ReportFolder(out / place, force=force) as own:
                    contest.enter(one, functools.partial(source.load, study.plan.device), own)
                if 1 < len(contenders) < len(sources):
                    _write(contest, folder, len(sources))
        except KeyboardInterrupt:
            waiting = "interrupted before its turn"
            contenders += [
                Contender(one.name, {}, one.moment, one.training, error=waiting)
                for one, _ in sources[len(contenders) :]
            ]
            _write(contest, folder, len(sources))
            raise
        result = _write(contest, folder, len(sources))
        pass_on(result, folder.path)
    for report in result.analyses:
        analyses.show(report, as_json)
    analyses.conclude(result, folder.path, as_json)
    ended_well = any(report.status == "ok" for c in contenders for report in c.reports.values())
    return analyses.exit_code(contest.errors, nothing_else=not ended_well)


def _write(contest: Contest, folder: ReportFolder, total: int) -> RunReport:
    """The comparison of what there is so far, of `total` checkpoints, into its folder."""
    from gan_probe.comparison import comparison, headline
    from gan_probe.provenance import provenance
    from gan_probe.report import RunReport
    from gan_probe.report.check import check_report

    contenders, study, plan = contest.contenders, contest.study, contest.study.plan
    so_far = f" ({len(contenders)} of {total} so far)" if len(contenders) < total else ""
    whole = RunReport(
        {"checkpoints": {c.name: c.card.get("sha256", "") for c in contenders}},
        provenance(plan.command, plan.seed, plan.device, study.data.name if study.data else None)
        | {"batch_size": plan.batch_size, "images": contest.images},
        title=headline(contenders) + so_far,
    )
    titles = {task.analysis.name: task.title for task in plan.tasks}
    *before, last = map(check_report, comparison(contenders, titles, plan.seed))
    whole.analyses += before
    folder.add(whole, last)  # all of them, and the page once
    return whole


def _places(several: Sequence[Named]) -> list[str]:
    """A folder's name for each checkpoint's own report, none of them twice or one of a report's."""
    from gan_probe.report.folder import FOLDERS

    found: list[str] = []
    for one in several:
        stem = shared.safe_name(one.name)
        number = 1
        while (place := stem if number == 1 else f"{stem}-{number}") in (*found, *FOLDERS):
            number += 1
        found.append(place)
    return found
