"""`gan-probe sample`: images out of a generator, as numbers or as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from gan_probe.gan import GAN


@click.command(
    short_help="Draw samples: a grid, or numbers.",
    epilog="""\b
Examples:
  gan-probe sample digits-dcgan --out grid.png
  gan-probe sample ckpt.pt -n 50000 --out x.npz      for other people's FID and KID tools
  gan-probe sample ckpt.pt -n 10 --label 3 --out threes.png""",
)
@shared.checkpoint()
@click.option("-n", "--count", "n", type=click.IntRange(1), default=64, show_default=True, help="How many images.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A .png grid, or an .npz of images (N, H, W, C) uint8, z, and labels.",
)
@click.option("--label", type=click.IntRange(0), help="Of a conditional generator: draw this class alone (by index).")
@shared.seed
@shared.device
@shared.batch_size
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
@shared.debug
def command(
    source: shared.Source, n: int, out: Path, label: int | None, seed: int, device: str, batch_size: int, force: bool
) -> None:
    """Draw samples from the generator of CKPT."""
    import numpy as np
    import torch

    from gan_probe.analysis import Context
    from gan_probe.disk import check_writable, replacing
    from gan_probe.errors import UsageError

    if out.suffix.lower() not in (".png", ".npz"):
        raise UsageError(f"--out {out.name}: end it in .png for a grid or .npz for numbers")
    if out.suffix.lower() == ".png" and n > 10_000:
        raise UsageError(f"{n} images do not fit into one grid: use --out x.npz")
    check_writable(out, force)
    gan = source.load().to(shared.choose_device(device))
    classes = len(gan.card.classes)
    if label is not None and label >= classes:
        raise UsageError(f"--label {label}: this generator has {classes or 'no'} classes")
    z = gan.latent(n, Context(seed).rng("sample"))
    labels = None
    if classes:
        labels = torch.arange(n) % classes if label is None else torch.full((n,), label)
    images = np.empty((n, gan.card.image_size, gan.card.image_size, gan.card.channels), np.uint8)
    with shared.progress() as progress:
        for start in range(0, n, batch_size):
            part = slice(start, start + batch_size)
            images[part] = gan.to_uint8(gan.sample(z[part], None if labels is None else labels[part], batch_size))
            progress(min(start + batch_size, n), n, "sampling")
    if out.suffix.lower() == ".npz":
        arrays = {"images": images, "z": z.numpy()} | ({} if labels is None else {"labels": labels.numpy()})
        with replacing(out) as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    else:
        write_grid(gan, images, out)
    click.echo(str(out))


def write_grid(gan: GAN, images: Tensor | np.ndarray, out: Path) -> None:
    """Write images, (N, C, H, W) as a generator makes them or (N, H, W, C) uint8, as one PNG."""
    import numpy as np
    from PIL import Image

    from gan_probe.disk import replacing
    from gan_probe.report.figures import image_grid

    pixels = images if isinstance(images, np.ndarray) else gan.to_uint8(images)
    buffer = io.BytesIO()
    Image.fromarray(image_grid(pixels, max(1, round(len(pixels) ** 0.5)))).save(buffer, "PNG")
    with replacing(out) as file:
        file.write(buffer.getvalue())
