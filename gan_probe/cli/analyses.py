"""What the commands that run analyses share: the plugins' options, where they run, what they print, how they end."""

from __future__ import annotations

import functools
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gan_probe.plugins import Host, Registered
    from gan_probe.report import Report, RunReport

LOCATED = re.compile(r" \([^ ]+, line [0-9]+\)$")  # a bug, whose traceback says more


class AnalysesCommand(shared.SectionedCommand):
    """A command whose options grow by those of the plugins that its own line names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for --plugin first, so that the plugins' options can be parsed and shown with the rest."""
        ctx.meta["gan_probe.analyses"] = _found(_named(args))
        ctx.meta["gan_probe.options"] = shared.plugin_options(chosen(ctx))
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


def chosen(ctx: click.Context) -> list[Registered]:
    """The analyses that the command's line names."""
    found: list[Registered] = ctx.meta.get("gan_probe.analyses", [])
    return found


def _found(names: list[str]) -> list[Registered]:
    if not names:
        return []
    from gan_probe.plugins import host

    return [host().find(name) for name in dict.fromkeys(names)]


def plugin(help_text: str, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --plugin, again and again, as `names`."""
    return click.option("--plugin", "-p", "names", multiple=True, required=required, metavar="NAME", help=help_text)


data = click.option(
    "--data",
    "data_spec",
    metavar="NAME|PATH",
    help="Images: a name (see `gan-probe data`), a folder, .zip, .tar or .npz. Without: what the card names.",
)


SETTINGS = (
    shared.seed,
    shared.device,
    shared.batch_size,
    click.option(
        "--isolate/--in-process",
        "isolate",
        default=None,
        help="Run every analysis, or none, in a process of its own; without: those of other people's plugins. "
        "--in-process puts back what a plugin changes, but a crash, a hang, os._exit or lack of memory ends the "
        "whole run, and threads and processes that it starts stay.",
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(0, min_open=True),
        default=60,
        show_default=True,
        metavar="MINUTES",
        help="Of a process of its own: it is stopped after so long.",
    ),
    click.option(
        "--memory-limit",
        type=click.FloatRange(0, min_open=True),
        metavar="GB",
        help="Of a process of its own.  [default: 3/4 of the memory available]",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print report.json on standard output."),
)


def study(function: Callable[..., Any]) -> Callable[..., Any]:
    """--seed to --json; the settings, the analyses with their options and the data that the line states as `study`."""

    @functools.wraps(function)
    def gathered(
        *args: Any,
        names: tuple[str, ...],
        data_spec: str | None,
        data_root: str | None,
        download: bool,
        labels: str | None,
        seed: int,
        device: str,
        batch_size: int,
        isolate: bool | None,
        time_limit: float,
        memory_limit: float | None,
        **values: Any,
    ) -> Any:
        from gan_probe.api import DataRequest, Study
        from gan_probe.own_process import Limits
        from gan_probe.plugins import host
        from gan_probe.runner import Run
        from gan_probe.tasks import Task

        typed = shared.plugin_values(click.get_current_context().meta["gan_probe.options"], values)
        plugins = host()
        warn_of_broken(plugins)
        wanted = [plugins.find(name) for name in dict.fromkeys(names)] or plugins.analyses.values()
        plan = Run(
            None,
            [Task(registered, typed.get(registered.analysis.name, {})) for registered in wanted],
            None,
            seed,
            shared.choose_device(device),
            batch_size,
            command=shared.command_line(),
            on_traceback=shared.on_traceback(),
            isolate="strangers" if isolate is None else "all" if isolate else "none",
            limits=Limits(60 * time_limit, None if memory_limit is None else int(memory_limit * 1e9)),
        )
        return function(*args, study=Study(plan, DataRequest(data_spec, data_root, download, labels)), **values)

    for setting in reversed(SETTINGS):
        gathered = setting(gathered)
    return gathered


def show(report: Report, as_json: bool, taken_over: bool = False) -> None:
    """Print a report that has ended, or was `taken_over`: tables and findings, and on stderr its error and notes."""
    from gan_probe.errors import one_line
    from gan_probe.report.text import format_table, told, wrapped

    if taken_over:
        click.echo(f"note: {report.name} is taken over from the report that was there", err=True)
    if report.status != "ok":
        hint = "; --debug shows more" if LOCATED.search(report.error) and "--debug" not in sys.argv else ""
        click.echo(f"gan-probe: {report.name} {report.status}: {one_line(report.error)}{hint}", err=True)
    if not as_json:
        for table in report.tables:
            click.echo(format_table(table) + "\n")
        for finding in told(report.findings):
            click.echo("\n".join([*wrapped(finding), ""]))
    for note in report.notes:
        click.echo(f"note: {one_line(note, 400)}", err=True)


def conclude(result: RunReport, folder: Path, as_json: bool) -> None:
    """Print what ends a command: the whole report, if as JSON, and where its page is."""
    if as_json:
        from gan_probe.report.json import dumps

        click.echo(dumps(result))
    click.echo(str(folder / "index.html"), err=as_json)


def warn_of_broken(plugins: Host) -> None:
    """Say on stderr which plugins cannot be used."""
    from gan_probe.errors import one_line

    for broken in plugins.broken:
        click.echo(f"gan-probe: plugin {one_line(broken.plugin)} left out: {broken.reason}", err=True)


def exit_code(errors: Sequence[Exception], *, nothing_else: bool) -> int:
    """0 without errors, 4 where there is more in the report than they, else the code of the first."""
    from gan_probe.errors import GanProbeError

    if not errors:
        return 0
    error = errors[0]
    # not of a stranger's own kind, whose code might be anything
    if nothing_else and isinstance(error, GanProbeError) and type(error).__module__ == "gan_probe.errors":
        return error.exit_code
    return 4
