"""`gan-probe train`: a DCGAN of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gan_probe.cli import options as shared


class TrainCommand(click.Command):
    """A command whose options are the recipe's, declared once there."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Ours and the recipe's."""
        if "gan_probe.recipe" not in ctx.meta:
            from gan_probe.training.recipe import Recipe

            ctx.meta["gan_probe.recipe"] = shared.declared_options(Recipe)
        return [*super().get_params(ctx), *ctx.meta["gan_probe.recipe"]]


@click.command(
    short_help="Train a DCGAN by the paper's recipe.",
    cls=TrainCommand,
    epilog="""\b
Examples:
  gan-probe train --data digits --out digits.pt --epochs 50 --width 16 --kernel 4
  gan-probe train --data photos/ --out faces.pt --image-size 64
  gan-probe train --data cifar10 --download --out cifar.pt --image-size 32 --kernel 3 --depth 2""",
)
@click.option(
    "--data",
    "data_spec",
    required=True,
    metavar="NAME|PATH",
    help="Training images: a name (see `gan-probe data`), a folder, .zip or .npz.",
)
@shared.data_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The checkpoint to write; its report lands beside it.",
)
@click.option(
    "--feature-space",
    metavar="SPACE",
    default="pixels",
    show_default=True,
    help="Where samples are monitored: pixels, d:CHECKPOINT[:LAYER] or a .onnx file.",
)
@shared.seed
@shared.device
@click.option("--force", is_flag=True, help="Replace a checkpoint that is already there.")
@shared.debug
def command(
    data_spec: str,
    data_root: str | None,
    download: bool,
    labels: str | None,
    out: Path,
    feature_space: str,
    seed: int,
    device: str,
    force: bool,
    **values: Any,
) -> None:
    """Train a DCGAN by the paper's recipe; writes the checkpoint, samples over training and the losses."""
    from gan_probe.api import open_data
    from gan_probe.options import parse_options
    from gan_probe.training.checkpoint import train_checkpoint
    from gan_probe.training.recipe import Recipe

    recipe = parse_options(Recipe, {name: value for name, value in values.items() if value is not None})
    data = open_data(data_spec, root=data_root, download=download, labels=labels)
    with shared.progress() as progress:
        train_checkpoint(
            data,
            out,
            recipe,
            seed=seed,
            device=shared.choose_device(device),
            progress=progress,
            force=force,
            command=shared.command_line(),
            source=data_spec,
            feature_space=feature_space,
        )
    click.echo(str(out))
