"""`gan-probe plugins`: which analyses there are, and whose."""

from __future__ import annotations

import json

import click

from gan_probe.cli import options as shared


@click.command(
    short_help="List the analyses.",
    epilog="""\b
Examples:
  gan-probe plugins
  gan-probe plugins --json""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every option.")
@shared.debug
def command(as_json: bool) -> None:
    """List the analyses, what they need, and plugins that could not be loaded."""
    from gan_probe.options import declared
    from gan_probe.plugins import host

    plugins = host()
    if as_json:
        analyses = [
            {
                "name": name,
                "help": _summary(r.analysis),
                "needs": sorted(r.analysis.needs),
                "distribution": r.distribution,
                "options": [
                    {
                        "name": d.flag,
                        "type": d.type.__name__,
                        "default": d.default,
                        "choices": d.choices,
                        "help": d.help,
                    }
                    for d in declared(r.analysis.Options)
                ],
            }
            for name, r in sorted(plugins.analyses.items())
        ]
        broken = [{"plugin": b.plugin, "reason": b.reason} for b in plugins.broken]
        click.echo(json.dumps({"analyses": analyses, "broken": broken}, indent=2))
        return
    width = max(map(len, plugins.analyses), default=0)
    for name, r in sorted(plugins.analyses.items()):
        click.echo(f"{name:<{width}}  {_summary(r.analysis)}")
        click.echo(f"{'':<{width}}  needs {', '.join(sorted(r.analysis.needs)) or 'nothing'}; from {r.distribution}")
    for b in plugins.broken:
        click.echo(f"gan-probe: {b.plugin} left out: {b.reason}", err=True)


def _summary(analysis: type) -> str:
    return (analysis.__doc__ or "").strip().partition("\n")[0]
