"""`gan-probe train`: a DCGAN of one's own."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from gan_probe.cli import options as shared
from gan_probe.cli.termination import postponed


class TrainCommand(shared.SectionedCommand):
    """A command whose options are the recipe's and those of what is kept, declared once there."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Ours and theirs."""
        if "gan_probe.recipe" not in ctx.meta:
            from gan_probe.training.keeping import Keeping
            from gan_probe.training.recipe import Recipe

            recipe = shared.declared_options(Recipe, "The recipe")
            ctx.meta["gan_probe.recipe"] = recipe + shared.declared_options(Keeping, "What is kept on the way")
        return [*super().get_params(ctx), *ctx.meta["gan_probe.recipe"]]


@click.command(
    short_help="Train a DCGAN by the paper's recipe.",
    cls=TrainCommand,
    epilog="""\b
Examples:
  gan-probe train --data digits --out digits.pt --epochs 50 --width 16 --kernel 4
  gan-probe train --data photos/ --out faces.pt --image-size 64
  gan-probe train --data cifar10 --download --out cifar.pt --image-size 32 --kernel 3 --depth 2
  gan-probe train --data photos/ --out mine.pt --from faces-dcgan --epochs 10
  gan-probe train --data photos/ --out faces.pt --image-size 64 --resume     after an interruption""",
)
@click.option(
    "--data",
    "data_spec",
    required=True,
    metavar="NAME|PATH",
    help="Training images: a name (see `gan-probe data`), a folder, .zip, .tar or .npz.",
)
@shared.data_options
@click.option(
    "--keep-list",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Train on the images of this keep-list alone: `gan-probe run --plugin dedup` writes one.",
)
@click.option(
    "--from",
    "start",
    metavar="CHECKPOINT",
    help="Begin with this checkpoint's weights, in its architecture, to train them further; default: random weights.",
)
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
    default="default",
    show_default=True,
    help="Where FID, KID, precision and their like are taken: pixels, d:CHECKPOINT[:LAYER], a .onnx file, or default: "
    "the discriminator of imagenet32-features, for grey images of mnist-dcgan. The verdict is by pixels in any case.",
)
@shared.seed
@shared.device
@click.option("--force", is_flag=True, help="Replace a checkpoint, or a training begun, that is already there.")
@click.option("--resume", is_flag=True, help="Go on where a training into the same --out was stopped.")
@click.option("--tensorboard", is_flag=True, help="Write events for TensorBoard beside the report.")
@shared.debug
def command(
    data_spec: str,
    data_root: str | None,
    download: bool,
    labels: str | None,
    keep_list: Path | None,
    start: str | None,
    out: Path,
    feature_space: str,
    seed: int,
    device: str,
    force: bool,
    resume: bool,
    tensorboard: bool,
    **values: Any,
) -> None:
    """Train a DCGAN by the paper's recipe; writes the checkpoint, and beside it a report that begins with a verdict.

    Ctrl-C and SIGTERM let the step end, save, and exit with code 75; the same command line with --resume goes on, on a
    CPU to the bit as if nothing had happened. On several GPUs or machines: torchrun -m gan_probe train ...
    """
    from gan_probe.api import load, open_data
    from gan_probe.errors import GanProbeError, UsageError
    from gan_probe.options import parse_options
    from gan_probe.training import distributed
    from gan_probe.training.checkpoint import train_checkpoint
    from gan_probe.training.keeping import Keeping
    from gan_probe.training.recipe import OF_THE_CHECKPOINT, Recipe

    given = {name: value for name, value in values.items() if value is not None}
    keeping = parse_options(Keeping, {f.name: given.pop(f.name) for f in fields(Keeping) if f.name in given})
    recipe = parse_options(Recipe, given)
    if resume and force:
        raise UsageError("--resume goes on with what is there, --force begins anew: pass one of them")
    if start and (clash := next((name for name in OF_THE_CHECKPOINT if name in given), None)):
        flag = f"--{clash.replace('_', '-')}"
        raise UsageError(f"{flag} belongs to the architecture, which is that of --from {start}: leave {flag} out")
    began = load(start) if start else None
    data = open_data(data_spec, root=data_root, download=download, labels=labels)
    with distributed.torchrun() as group, shared.progress() as progress:
        try:
            gan = train_checkpoint(
                data,
                out,
                recipe,
                seed=seed,
                device=distributed.take_device(shared.choose_device(device)),
                progress=progress if group.rank == 0 else None,
                force=force,
                command=shared.command_line(),
                source=data_spec,
                feature_space=feature_space,
                keeping=keeping,
                resume=resume,
                interruption=postponed(),
                tensorboard=tensorboard,
                keep_list=keep_list,
                start=began,
                group=group,
            )
        except GanProbeError as error:
            if group.rank:  # the first process says it
                raise click.exceptions.Exit(error.exit_code) from error
            raise
    if group.rank == 0:
        report = out.with_name(f"{out.stem}-training") / "index.html"
        click.echo(f"gan-probe: verdict: {gan.card.training['verdict']['words']}; see {report}", err=True)
        click.echo(str(out))
