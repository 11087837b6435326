"""`gan-probe compare`: the same analyses over several checkpoints, and how far their numbers differ."""

from __future__ import annotations

import dataclasses
import functools
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from gan_probe.cli import analyses
from gan_probe.cli import options as shared
from gan_probe.cli.termination import terminable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.comparison import Named
    from gan_probe.data import Data
    from gan_probe.own_process import Limits
    from gan_probe.report import Report, RunReport
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
@shared.seed
@shared.device
@shared.batch_size
@analyses.containment
@click.option("--json", "as_json", is_flag=True, help="Print report.json on standard output.")
@click.option("--force", is_flag=True, help="Replace a comparison that is already there.")
@shared.debug
@click.pass_context
def command(
    ctx: click.Context,
    /,
    sources: list[tuple[Named, shared.Source]],
    names: tuple[str, ...],
    data_spec: str | None,
    data_root: str | None,
    download: bool,
    labels: str | None,
    out: Path,
    seed: int,
    device: str,
    batch_size: int,
    isolate: Literal["strangers", "all", "none"],
    limits: Limits,
    as_json: bool,
    force: bool,
    **values: Any,
) -> int:
    """Run the same analyses over the checkpoints CKPT and compare their numbers.

    The same seed, images and options serve all. Each checkpoint is held against the first, and each snapshot of a
    training against the one before it: differences are paired, with intervals, and corrected for their number. A folder
    of snapshots (a training's report, or files whose names differ by a number) stands for all of them, in order;
    G.pt+D.pt is one checkpoint of two files. Exit code 4 says that something failed; the rest is kept.
    """
    from gan_probe.api import dataset_sources, open_data
    from gan_probe.comparison import Contender, check_several, comparison, headline, telling
    from gan_probe.errors import GanProbeError, OutputError, one_line
    from gan_probe.options import parse_options
    from gan_probe.plugins import host
    from gan_probe.provenance import provenance
    from gan_probe.report import RunReport
    from gan_probe.report.check import check_report
    from gan_probe.report.folder import ReportFolder
    from gan_probe.runner import Run, default_data
    from gan_probe.sampling import forget_samples
    from gan_probe.tasks import Task

    check_several([one for one, _ in sources])
    plugin_values = shared.plugin_values(ctx.meta["gan_probe.options"], values)
    plugins = host()
    analyses.warn_of_broken(plugins)
    chosen = [plugins.find(name) for name in dict.fromkeys(names)]
    for registered in chosen:  # a wrong value is one error, not one a checkpoint
        parse_options(registered.analysis.Options, plugin_values.get(registered.analysis.name, {}))
    device = shared.choose_device(device)
    data: Data | None = None
    no_data = ""
    if data_spec is not None:
        data = open_data(data_spec, root=data_root, download=download, labels=labels)
    contenders: list[Contender] = []
    errors: list[Exception] = []
    images: list[Any] = []  # a line for every set of images read
    made: dict[Any, Any] = {}  # once, for all checkpoints

    def run(one: Named, source: shared.Source, own: ReportFolder) -> None:
        """Fill a checkpoint's own report; what cannot be opened or run at all is a contender with an error."""
        nonlocal data, no_data, data_spec
        reports: dict[str, Report] = {}
        contender = Contender(one.name, reports, one.moment, one.training, folder=own.path.name)
        contenders.append(contender)

        def land(whole: RunReport, report: Report) -> None:
            own.add(whole, report)
            reports[report.name] = report

        try:
            gan = source.load(device)
            gan.to(device)
            contenders[-1] = dataclasses.replace(contender, card=gan.card.to_dict())
            if data is None and not no_data:
                sets = {known.name for known in dataset_sources()}
                told = telling(gan, one.ended)
                data, no_data = default_data(
                    told, chosen, sets, lambda name: open_data(name, root=data_root, labels=labels)
                )
                if data is not None:
                    data_spec = told.card.training_data
                    click.echo(f"note: the data are {data.name}, as the card of {told.card.name} says", err=True)
            reopen = functools.partial(analyses.reopen, source, device, data_spec, data_root, labels)
            job = Run(
                gan,
                [Task(r, plugin_values.get(r.analysis.name, {}), data, no_data, reopen=reopen) for r in chosen],
                data.name if data is not None else None,
                seed,
                device,
                batch_size,
                command=shared.command_line(),
                progress=progress,
                on_traceback=(lambda text: click.echo(text, err=True)) if "--debug" in sys.argv else None,
                open_data=lambda spec, its: open_data(spec, root=data_root, download=download, labels=its),
                isolate=isolate,
                limits=limits,
                shared=made,
            )
            result = job.start(land)
            own.finish(result)
            errors.extend(job.errors)
            images.extend(line for line in result.run["images"] if line not in images)
        except OutputError:
            raise
        except GanProbeError as error:
            errors.append(error)
            contenders[-1] = dataclasses.replace(contenders[-1], error=one_line(error))
        finally:
            forget_samples(made)

    def write(folder: ReportFolder) -> RunReport:
        """The comparison of what there is."""
        waiting = len(contenders) < len(sources)
        whole = RunReport(
            {"checkpoints": {c.name: c.card.get("sha256", "") for c in contenders}},
            provenance(shared.command_line(), seed, device, data.name if data else None)
            | {"batch_size": batch_size, "images": images},
            title=headline(contenders) + (f" ({len(contenders)} of {len(sources)} so far)" if waiting else ""),
        )
        titles = {r.analysis.name: r.analysis.title or r.analysis.name for r in chosen}
        *before, last = map(check_report, comparison(contenders, titles, seed))
        whole.analyses += before
        folder.add(whole, last)  # all of them, and the page once
        return whole

    with terminable(), ExitStack() as stack:
        progress = stack.enter_context(shared.progress())
        folder = stack.enter_context(ReportFolder(out, force=force))
        try:
            for (one, source), place in zip(sources, _places([one for one, _ in sources]), strict=True):
                with ReportFolder(out / place, force=force) as own:
                    run(one, source, own)
                if 1 < len(contenders) < len(sources):
                    write(folder)
        except KeyboardInterrupt:
            waiting = "interrupted before its turn"
            contenders += [
                Contender(one.name, {}, one.moment, one.training, error=waiting)
                for one, _ in sources[len(contenders) :]
            ]
            write(folder)
            raise
        result = write(folder)
        for _ in plugins.call("write_report", lambda _: None, report=result, folder=folder.path):
            pass  # it gives nothing: what it writes is its result
    for report in result.analyses:
        analyses.show(report, as_json)
    if as_json:
        from gan_probe.report.json import dumps

        click.echo(dumps(result))
    click.echo(str(folder.path / "index.html"), err=as_json)
    ended_well = any(report.status == "ok" for c in contenders for report in c.reports.values())
    return analyses.exit_code(errors, nothing_else=not ended_well)


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
