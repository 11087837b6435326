"""`gan-probe info`: what a checkpoint is, layer by layer, and what was assumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    from gan_probe.checkpoints.infer import Reading
    from gan_probe.gan import GAN, Net

NORMS = {
    "channel": "batch norm",
    "unit": "batch norm by unit",
    "instance": "instance norm",
    "layer": "layer norm",
}


@click.command(
    short_help="Say what a checkpoint is.",
    epilog="""\b
Examples:
  gan-probe info digits-dcgan
  gan-probe info ckpt.pt --json > card.json          edit it, and pass it back with --arch card.json
  gan-probe info --generator g.pt --discriminator d.pt --grid grid.png""",
)
@shared.checkpoint()
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the card, which --arch reads back, and the layers.")
@click.option(
    "--grid",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a .png of 64 samples too: is the reading right?",
)
@click.option("--force", is_flag=True, help="Replace a picture that is already there.")
@shared.debug
def command(source: shared.Source, as_json: bool, grid: Path | None, force: bool) -> None:
    """Print the card of CKPT, its layers, what it can give, and what was assumed."""
    from gan_probe.analysis import Context
    from gan_probe.disk import check_writable
    from gan_probe.report import Table
    from gan_probe.report.text import format_table, visible

    gan = source.load()
    if grid is not None:
        from gan_probe.cli.sample import write_grid

        check_writable(grid, force)
        write_grid(gan, gan.sample(gan.latent(64, Context(0).rng("sample"))), grid)
    if as_json:
        layers = {role: [vars(layer) for layer in net.layers] for role, net in _nets(gan)}
        readings = [reading.to_dict() for reading in gan.readings]
        click.echo(
            json.dumps(gan.card.to_dict() | {"layers": layers, "gives": _gives(gan), "readings": readings}, indent=2)
        )
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
    for reading in gan.readings:
        _show(reading)
    for line in gan.card.assumed:
        click.echo(f"\nassumed: {visible(line)}")


def _show(reading: Reading) -> None:
    """How a network was read from its weights: the agreement of each norm, the runner-up, the doubts."""
    from gan_probe.report import Table
    from gan_probe.report.text import format_table

    rows = [
        {"layer": e.layer, "means differ by, in sigma": f"{e.mean:.3f}", "variances differ by": f"{e.variance:.1%}"}
        for e in reading.evidence
    ]
    title = f"{reading.role}, batch statistics against stored ones: medians over channels"
    if rows:
        click.echo("\n" + format_table(Table("evidence", rows, title=title)))
    click.echo(f"\n{reading.role}: {reading.tried:,} readings compared in {reading.seconds:g} s")
    if reading.margin is not None and reading.errors is not None:
        click.echo(
            f"runner-up: {reading.runner_up}; worse by {reading.margin:.3f} ({reading.errors:.1f} standard errors) "
            f"than the reading above, whose misfit is {reading.misfit:.3f}"
        )
    for doubt in reading.doubts:
        click.echo(f"doubt: {doubt}")


def _nets(gan: GAN) -> list[tuple[str, Net]]:
    roles = (("generator", gan.generator), ("discriminator", gan.discriminator))
    return [(role, net) for role, net in roles if net is not None]


def _gives(gan: GAN) -> list[str]:
    """What analyses can ask of it: gradients also where an ONNX graph is rebuilt for them."""
    from gan_probe.errors import BadInputError

    try:
        return sorted(gan.gives | gan.differentiable().gives)
    except BadInputError:
        return sorted(gan.gives)


def _card(gan: GAN) -> list[dict[str, Any]]:
    card = gan.card
    low, high = card.value_range
    facts = {
        "format": card.format,
        "images": f"{card.image_size} x {card.image_size}, {card.channels} channel{'s' * (card.channels > 1)}, "
        f"values {low:g} to {high:g}",
        "z": f"{card.z_size}, {card.z_distribution}",
        "classes": ", ".join(card.classes),
        "gives": ", ".join(_gives(gan)),
        "training data": card.training_data,
        "training": _verdict(card.training.get("verdict")),
        "licence": card.licence,
        "sha256": card.sha256,
    }
    return [{"property": key, "value": value} for key, value in facts.items() if value]


def _verdict(verdict: object) -> str:
    """What our monitors said of the training; other people's cards may hold anything under this name."""
    words = verdict.get("words") if isinstance(verdict, dict) else None
    return words if isinstance(words, str) else ""


def _stage(stage: Any) -> str:
    from gan_probe.checkpoints.infer.reading import bend

    parts = [stage.op.replace("_", " ")]
    if stage.op != "linear":
        parts.append(f"{stage.kernel}x{stage.kernel} stride {stage.stride}")
    if any(stage.paddings) or stage.output_padding:
        ends = f"{stage.padding}" if stage.end_padding is None else f"{stage.padding} and {stage.end_padding}"
        parts.append(f"padding {ends}" + (f" + {stage.output_padding}" if stage.output_padding else ""))
    if any(stage.border):
        parts.append("border of zeros {} and {}".format(*stage.border))
    if stage.upsample > 1:
        parts.insert(0, f"{stage.interpolation} x{stage.upsample}")
    if stage.labels:
        parts.append(f"{stage.labels} labels")
    bends = []
    if stage.activation != "none":
        bends.append(bend(stage))
    norms = [NORMS[stage.norm] + ("" if stage.affine else " without gain")] if stage.norm != "none" else []
    parts += [*bends, *norms] if stage.norm_last else [*norms, *bends]
    if stage.pool > 1:
        parts.append(f"{stage.pool}x{stage.pool} {stage.pooling} pooling")
    return ", ".join(parts)


def _statistics(net: Net) -> str:
    statistics = net.statistics
    if statistics is None:
        return "batch norm without stored statistics"
    return "batch norm with stored statistics" if statistics else "no batch norm to be seen"
