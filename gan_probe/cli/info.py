"""`gan-probe info`: what a checkpoint is, layer by layer, and what was assumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    from gan_probe.gan import GAN, Net


@click.command(
    short_help="Say what a checkpoint is.",
    epilog="""\b
Examples:
  gan-probe info digits-dcgan
  gan-probe info ckpt.pt --json""",
)
@click.argument("ckpt")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the card, and the layers.")
@shared.debug
def command(ckpt: str, as_json: bool) -> None:
    """Print the card of CKPT, its layers, what it can give, and what was assumed."""
    from gan_probe.api import load
    from gan_probe.report import Table
    from gan_probe.report.text import format_table, visible

    gan = load(ckpt)
    if as_json:
        layers = {role: [vars(layer) for layer in net.layers] for role, net in _nets(gan)}
        click.echo(json.dumps(gan.card.to_dict() | {"layers": layers, "gives": sorted(gan.gives)}, indent=2))
        return
    click.echo(format_table(Table("card", _card(gan), title=gan.card.name)))
    for role, net in _nets(gan):
        stages = {"generator": gan.card.generator, "discriminator": gan.card.discriminator}[role]
        rows = [
            {"layer": layer.name, "output": f"{layer.channels} x {layer.size} x {layer.size}"}
            | ({"reads as": _stage(stages[i])} if stages and len(stages) == len(net.layers) else {})
            for i, layer in enumerate(net.layers)
        ]
        click.echo("\n" + format_table(Table(role, rows, title=f"{role}, {_statistics(net)}")))
    for line in gan.card.assumed:
        click.echo(f"\nassumed: {visible(line)}")


def _nets(gan: GAN) -> list[tuple[str, Net]]:
    roles = (("generator", gan.generator), ("discriminator", gan.discriminator))
    return [(role, net) for role, net in roles if net is not None]


def _card(gan: GAN) -> list[dict[str, Any]]:
    card = gan.card
    low, high = card.value_range
    facts = {
        "format": card.format,
        "images": f"{card.image_size} x {card.image_size}, {card.channels} channel{'s' * (card.channels > 1)}, "
        f"values {low:g} to {high:g}",
        "z": f"{card.z_size}, {card.z_distribution}",
        "classes": ", ".join(card.classes),
        "gives": ", ".join(sorted(gan.gives)),
        "training data": card.training_data,
        "licence": card.licence,
        "sha256": card.sha256,
    }
    return [{"property": key, "value": value} for key, value in facts.items() if value]


def _stage(stage: Any) -> str:
    parts = [stage.op.replace("_", " ")]
    if stage.op != "linear":
        parts.append(f"{stage.kernel}x{stage.kernel} stride {stage.stride}")
    if stage.labels:
        parts.append(f"{stage.labels} labels")
    if stage.norm != "none":
        parts.append("batch norm" if stage.norm == "channel" else "batch norm by unit")
    if stage.activation != "none":
        parts.append(f"leaky ReLU {stage.slope:g}" if stage.activation == "leaky_relu" else stage.activation)
    return ", ".join(parts)


def _statistics(net: Net) -> str:
    statistics = net.statistics
    if statistics is None:
        return "batch norm without stored statistics"
    return "batch norm with stored statistics" if statistics else "no batch norm to be seen"
