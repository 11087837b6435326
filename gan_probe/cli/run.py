"""`gan-probe run`: analyses over a checkpoint."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gan_probe.cli import analyses
from gan_probe.cli import options as shared
from gan_probe.cli.carrying_out import carry_out

if TYPE_CHECKING:
    from gan_probe.api import Study
    from gan_probe.gan import GAN


class RunCommand(analyses.AnalysesCommand):
    """The command with the examples of the analyses that its own line names, in the place of its own."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples of the analyses named where they have any."""
        from gan_probe.errors import one_line

        lines = [one_line(line) for registered in analyses.chosen(ctx) for line in registered.analysis.examples]
        if not lines:
            super().format_epilog(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]))


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
@analyses.plugin("An analysis; again for more. Without: all that this checkpoint and data can serve.")
@analyses.data
@shared.data_options
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report.  [default: NAME-report]"
)
@analyses.study
@click.option("--force", is_flag=True, help="Replace a report that is already there.")
@click.option("--resume", is_flag=True, help="Go on with the report that is already there: what is done is kept.")
@shared.debug
def command(source: shared.Source, study: Study, out: Path | None, as_json: bool, force: bool, resume: bool) -> int:
    """Run analyses over the checkpoint CKPT and write a report.

    Prints each result table, and the report's path as the last line. Exit code 4 says that some analyses failed; the
    others' results are kept. Ctrl-C and SIGTERM save what is done, exit code 75; the same line with --resume goes on.
    """
    from gan_probe.errors import UsageError, one_line

    names = click.get_current_context().params["names"]
    opened = functools.partial(_opened, source, study.plan.device)
    gan = opened()
    if (data := study.find_data(gan)) is not None:
        click.echo(f"note: the data are {data.name}, as the checkpoint's card says", err=True)
    job = study.run(gan, opened)
    if not names:
        job.tasks = job.fitting()
        if not job.tasks:
            raise UsageError(
                "nothing to run: name a checkpoint and pass --data; `gan-probe plugins` lists the analyses"
            )
    if study.no_data and not any(job.obstacle(task) for task in job.tasks):  # a refusal says it itself
        click.echo(f"note: no data: {one_line(study.no_data, 400)}", err=True)
    folder = out or Path(f"{shared.safe_name(gan.card.name if gan is not None else '-'.join(names))}-report")
    result = carry_out(
        job, folder, force=force, resume=resume, show=lambda report, old: analyses.show(report, as_json, old)
    )
    analyses.conclude(result, folder, as_json)
    return analyses.exit_code(job.errors, nothing_else=len(result.analyses) == 1)


def _opened(source: shared.Source, device: str) -> GAN | None:
    return source.load(device) if source else None
