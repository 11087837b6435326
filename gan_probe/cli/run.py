"""`gan-probe run`: analyses over a checkpoint."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gan_probe.cli import options as shared
from gan_probe.cli.carrying_out import carry_out

if TYPE_CHECKING:
    from gan_probe.data import Data
    from gan_probe.own_process import Opened
    from gan_probe.plugins import Host, Registered
    from gan_probe.report import Report, RunReport
    from gan_probe.runner import Run


class RunCommand(shared.SectionedCommand):
    """A command whose options grow by those of the plugins that its own line names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for --plugin first, so that the plugins' options can be parsed and shown with the rest."""
        ctx.meta["gan_probe.options"] = shared.plugin_options(_chosen(_named(args)))
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if owners := _owners(error.option_name):
                hint = f"{error.option_name} is an option of {' and of '.join(owners)}: add --plugin {owners[0]}"
                raise click.UsageError(hint, ctx) from None
            raise

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Our options and the chosen plugins'."""
        return [*super().get_params(ctx), *ctx.meta.get("gan_probe.options", [])]


def _named(args: list[str]) -> list[str]:
    names = []
    for i, arg in enumerate(args):
        if arg in ("--plugin", "-p") and i + 1 < len(args):
            names.append(args[i + 1])
        elif arg.startswith("--plugin="):
            names.append(arg.removeprefix("--plugin="))
        elif arg.startswith("-p") and arg != "-p":
            names.append(arg.removeprefix("-p"))
    return names


def _owners(flag: str) -> list[str]:
    """The analyses that have an option of this name."""
    from gan_probe.options import declared
    from gan_probe.plugins import host

    name = flag.removeprefix("--").removeprefix("no-")
    analyses = (registered.analysis for registered in host().analyses.values())
    return [a.name for a in analyses if name in [d.flag for d in declared(a.Options)]]


def _chosen(names: list[str]) -> list[Registered]:
    if not names:
        return []
    from gan_probe.plugins import host

    return [host().find(name) for name in dict.fromkeys(names)]


@click.command(
    short_help="Run analyses and write a report.",
    cls=RunCommand,
    epilog="""\b
Examples:
  gan-probe run --plugin linear-probe digits-dcgan
  gan-probe run --plugin linear-probe ckpt.pt --data cifar10 --download --train-size 5000
  gan-probe run --plugin samples generator.onnx --count 64 --out report
  gan-probe run --plugin linear-probe --help      the analysis' own options too""",
)
@shared.checkpoint(required=False)
@click.option(
    "--plugin",
    "-p",
    "names",
    multiple=True,
    metavar="NAME",
    help="An analysis; again for more. Without: all that this checkpoint and data can serve.",
)
@click.option(
    "--data",
    "data_spec",
    metavar="NAME|PATH",
    help="Images: a name (see `gan-probe data`), a folder, .zip, .tar or .npz. Without: what the card names.",
)
@shared.data_options
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report.  [default: NAME-report]"
)
@shared.seed
@shared.device
@shared.batch_size
@click.option(
    "--isolate/--in-process",
    "isolate",
    default=None,
    help="Run every analysis, or none, in a process of its own; without: those of other people's plugins.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="Of a process of its own: it is stopped after so long.",
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="GB",
    help="Of a process of its own.  [default: 3/4 of the memory available]",
)
@click.option("--json", "as_json", is_flag=True, help="Print report.json on standard output.")
@click.option("--force", is_flag=True, help="Replace a report that is already there.")
@click.option("--resume", is_flag=True, help="Go on with the report that is already there: what is done is kept.")
@shared.debug
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: shared.Source,
    names: tuple[str, ...],
    data_spec: str | None,
    data_root: str | None,
    download: bool,
    labels: str | None,
    out: Path | None,
    seed: int,
    device: str,
    batch_size: int,
    isolate: bool | None,
    time_limit: float,
    memory_limit: float | None,
    as_json: bool,
    force: bool,
    resume: bool,
    **values: Any,
) -> int:
    """Run analyses over the checkpoint CKPT and write a report.

    Prints each result table, and the report's path as the last line. Exit code 4 says that some analyses failed; the
    others' results are kept. Ctrl-C and SIGTERM save what is done, exit code 75; the same line with --resume goes on.
    """
    from gan_probe.api import dataset_sources, open_data
    from gan_probe.errors import UsageError, one_line
    from gan_probe.own_process import Limits
    from gan_probe.plugins import host
    from gan_probe.runner import Run, default_data
    from gan_probe.tasks import Task

    plugin_values = shared.plugin_values(ctx.meta["gan_probe.options"], values)
    plugins = host()
    _warn_of_broken(plugins)
    device = shared.choose_device(device)
    gan = source.load(device) if source else None
    if gan is not None:
        gan.to(device)

    chosen = [plugins.find(name) for name in dict.fromkeys(names)] if names else list(plugins.analyses.values())
    data: Data | None
    no_data = ""
    if data_spec is not None:
        data = open_data(data_spec, root=data_root, download=download, labels=labels)
    else:
        sets = {source.name for source in dataset_sources()}
        data, no_data = default_data(gan, chosen, sets, lambda name: open_data(name, root=data_root, labels=labels))
        if data is not None and gan is not None:
            data_spec = gan.card.training_data
            click.echo(f"note: the data are {data.name}, as the checkpoint's card says", err=True)
    reopen = functools.partial(_reopen, source, device, data_spec, data_root, labels)
    job = Run(
        gan,
        [Task(r, plugin_values.get(r.analysis.name, {}), data, no_data, reopen=reopen) for r in chosen],
        data.name if data is not None else None,
        seed,
        device,
        batch_size,
        command=shared.command_line(),
        on_traceback=(lambda text: click.echo(text, err=True)) if "--debug" in sys.argv else None,
        open_data=lambda spec, own: open_data(spec, root=data_root, download=download, labels=own),
        isolate="strangers" if isolate is None else "all" if isolate else "none",
        limits=Limits(60 * time_limit, None if memory_limit is None else int(memory_limit * 1e9)),
    )
    if not names:
        job.tasks = job.fitting()
        if not job.tasks:
            raise UsageError(
                "nothing to run: name a checkpoint and pass --data; `gan-probe plugins` lists the analyses"
            )
    if no_data and not any(job.obstacle(task) for task in job.tasks):  # a refusal says it itself
        click.echo(f"note: no data: {one_line(no_data, 400)}", err=True)
    folder = out or _default_folder(gan, names)
    result = carry_out(job, folder, force=force, resume=resume, show=lambda report, old: _show(report, as_json, old))
    if as_json:
        from gan_probe.report.json import dumps

        click.echo(dumps(result))
    click.echo(str(folder / "index.html"), err=as_json)
    return _exit_code(job, result)


def _reopen(
    source: shared.Source, device: str, data_spec: str | None, data_root: str | None, labels: str | None
) -> Opened:
    """Open in another process what `command` has opened in this one; what was downloaded is there by now."""
    from gan_probe.api import open_data
    from gan_probe.own_process import Opened

    gan = source.load(device) if source else None
    if gan is not None:
        gan.to(device)
    data = None if data_spec is None else open_data(data_spec, root=data_root, labels=labels)
    return Opened(gan, data, lambda spec, own: open_data(spec, root=data_root, labels=own))


def _default_folder(gan: Any, names: tuple[str, ...]) -> Path:
    stem = gan.card.name if gan is not None else "-".join(names)
    return Path(f"{shared.safe_name(stem)}-report")


def _show(report: Report, as_json: bool, taken_over: bool) -> None:
    from gan_probe.errors import one_line
    from gan_probe.report.text import format_table

    if taken_over:
        click.echo(f"note: {report.name} is taken over from the report that was there", err=True)
    if report.status != "ok":
        click.echo(f"gan-probe: {report.name} {report.status}: {one_line(report.error)}", err=True)
    if not as_json:
        for table in report.tables:
            click.echo(format_table(table) + "\n")
    for note in report.notes:
        click.echo(f"note: {one_line(note, 400)}", err=True)


def _warn_of_broken(plugins: Host) -> None:
    from gan_probe.errors import one_line

    for broken in plugins.broken:
        click.echo(f"gan-probe: plugin {one_line(broken.plugin)} left out: {broken.reason}", err=True)


def _exit_code(job: Run, result: RunReport) -> int:
    from gan_probe.errors import GanProbeError

    if not job.errors:
        return 0
    if len(result.analyses) == 1 and isinstance(job.errors[0], GanProbeError):
        return job.errors[0].exit_code
    return 4
