"""`gan-probe new-plugin`: a package to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from gan_probe.cli import options as shared


@click.command(
    short_help="Begin an analysis of your own.",
    epilog="""\b
Examples:
  gan-probe new-plugin sharpness
  pip install -e gan-probe-sharpness && gan-probe run --plugin sharpness digits-dcgan""",
)
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to write it.  [default: gan-probe-NAME]"
)
@shared.debug
def command(name: str, out: Path | None) -> None:
    """Write a small package with an analysis NAME that works, its registration and its tests.

    Prints what to do next on standard error, the files' paths on standard output.
    """
    from gan_probe.errors import UsageError
    from gan_probe.new_plugin import plugin_files, write_plugin
    from gan_probe.plugins import host

    plugin_files(name)  # the name is judged first
    if name in host().analyses:
        owner = host().analyses[name].distribution
        raise UsageError(f"there is an analysis {name} already, of {owner}: choose another name")
    folder = out or Path(f"gan-probe-{name}")
    for path in write_plugin(name, folder):
        click.echo(path)
    click.echo(
        f"next: pip install -e {folder}, then gan-probe run --plugin {name} digits-dcgan, and pytest {folder}", err=True
    )
