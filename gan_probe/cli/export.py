"""`gan-probe export`: a checkpoint as ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from gan_probe.gan import GAN


@click.command(
    short_help="Write ONNX files.",
    epilog="""\b
Examples:
  gan-probe export digits-dcgan --out onnx/
  gan-probe export dcgan_code_svhn/ --out onnx/ --data cifar10      the release stores no batch-norm statistics""",
)
@shared.checkpoint()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder for generator.onnx and discriminator.onnx.",
)
@click.option(
    "--data", "data_spec", metavar="NAME|PATH", help="Images for a discriminator without batch-norm statistics."
)
@shared.data_options
@shared.seed
@click.option("--force", is_flag=True, help="Replace files that are already there.")
@shared.debug
def command(
    source: shared.Source,
    out: Path,
    data_spec: str | None,
    data_root: str | None,
    download: bool,
    labels: str | None,
    seed: int,
    force: bool,
) -> None:
    """Write the networks of CKPT as ONNX, checked on writing to equal torch's output within 1e-4.

    Batch norm stays visible in the graph, so that its statistics can still be recomputed on data.
    """
    from gan_probe.api import open_data
    from gan_probe.checkpoints.export import export_onnx
    from gan_probe.disk import check_writable

    for name in ("generator.onnx", "discriminator.onnx"):
        check_writable(out / name, force, parents=True)
    gan = source.load()
    batches = None
    if data_spec:
        batches = _batches(gan, open_data(data_spec, root=data_root, download=download, labels=labels), seed)
    for path in export_onnx(gan, out, batches):
        click.echo(str(path))


def _batches(gan: GAN, data: object, seed: int) -> Iterator[Tensor]:
    from gan_probe.analysis import Context
    from gan_probe.data import Data
    from gan_probe.features import batches

    assert isinstance(data, Data)  # noqa: S101  # for mypy: open_data gives nothing else
    rng = Context(seed).rng("export")
    train = data.train if len(data.train) <= 10_000 else data.train.take(10_000, rng)
    images = train.load(gan.card.image_size, gan.card.channels).images
    return batches(gan, images, rng.permutation(len(images)), 128)
