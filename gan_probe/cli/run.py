"""`gan-probe run`: analyses over a checkpoint."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from gan_probe.cli import analyses
from gan_probe.cli import options as shared
from gan_probe.cli.carrying_out import carry_out

if TYPE_CHECKING:
    from gan_probe.data import Data
    from gan_probe.own_process import Limits


@click.command(
    short_help="Run analyses and write a report.",
    cls=analyses.AnalysesCommand,
    epilog="""\b
Examples:
  gan-probe run --plugin linear-probe digits-dcgan
  gan-probe run --plugin linear-probe ckpt.pt --data cifar10 --download --train-size 5000
  gan-probe run --plugin samples generator.onnx --count 64 --out report
  gan-probe run --plugin linear-probe --help      the analysis' own options too""",
)
@shared.checkpoint(required=False)
@analyses.plugin("An analysis; again for more. Without: all that this checkpoint and data can serve.")
@analyses.data
@shared.data_options
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report.  [default: NAME-report]"
)
@shared.seed
@shared.device
@shared.batch_size
@analyses.containment
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
    isolate: Literal["strangers", "all", "none"],
    limits: Limits,
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
    from gan_probe.plugins import host
    from gan_probe.runner import Run, default_data
    from gan_probe.tasks import Task

    plugin_values = shared.plugin_values(ctx.meta["gan_probe.options"], values)
    plugins = host()
    analyses.warn_of_broken(plugins)
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
    reopen = functools.partial(analyses.reopen, source, device, data_spec, data_root, labels)
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
        isolate=isolate,
        limits=limits,
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
    result = carry_out(
        job, folder, force=force, resume=resume, show=lambda report, old: analyses.show(report, as_json, old)
    )
    if as_json:
        from gan_probe.report.json import dumps

        click.echo(dumps(result))
    click.echo(str(folder / "index.html"), err=as_json)
    return analyses.exit_code(job.errors, nothing_else=len(result.analyses) == 1)


def _default_folder(gan: Any, names: tuple[str, ...]) -> Path:
    stem = gan.card.name if gan is not None else "-".join(names)
    return Path(f"{shared.safe_name(stem)}-report")
