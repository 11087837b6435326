"""`gan-probe data`: which data sets there are, and what is in one."""

from __future__ import annotations

import json

import click

from gan_probe.cli import options as shared


@click.command(
    short_help="List data sets, or describe one.",
    epilog="""\b
Examples:
  gan-probe data
  gan-probe data digits
  gan-probe data photos/ --json
  gan-probe data utkface/ --labels '^\\d+_(\\d)_'""",
)
@click.argument("data_spec", metavar="[NAME|PATH]", required=False)
@shared.data_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared.debug
def command(data_spec: str | None, data_root: str | None, download: bool, labels: str | None, as_json: bool) -> None:
    """List the named data sets, or describe one: its splits, classes and counts."""
    from gan_probe.api import dataset_sources, open_data
    from gan_probe.data import describe
    from gan_probe.report import Table
    from gan_probe.report.text import format_table

    if data_spec is None:
        rows = [{"name": source.name, "what": source.summary} for source in dataset_sources()]
        click.echo(json.dumps(rows, indent=2) if as_json else format_table(Table("data", rows)))
        return
    described = describe(open_data(data_spec, root=data_root, download=download, labels=labels))
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    click.echo(f"{described['name']}: {described['description']}".rstrip(": "))
    for split in described["splits"]:
        rows = [{"class": name, "images": n} for name, n in split["classes"].items()]
        title = f"{split['name']}: {split['n']:,} images"
        click.echo("\n" + (format_table(Table(split["name"], rows, title=title)) if rows else f"{title}, no labels"))
        for note in [*split["notes"], *(f"left out: {s}" for s in split["skipped"])]:
            click.echo(f"note: {note}")
