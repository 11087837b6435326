"""`gan-probe convert`: any checkpoint that opens, in one of our own formats, compared on writing."""

from __future__ import annotations

from pathlib import Path

import click

from gan_probe.cli import options as shared


@click.command(
    short_help="Write a checkpoint in another format.",
    epilog="""\b
Examples:
  gan-probe convert --generator g.pt --discriminator d.pt --to gan.pt
  gan-probe convert ckpt.pt --to my-gan/      model.safetensors and README.md
  gan-probe convert ckpt.pt --to onnx/ --format onnx""",
)
@shared.checkpoint()
@click.option(
    "--to", "--out", "out", type=click.Path(path_type=Path), required=True, metavar="PATH", help="What to write."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["pt", "safetensors", "onnx"]),
    help="pt for a .pt file, safetensors for a model folder, onnx for ONNX files.  [default: from the name]",
)
@click.option("--force", is_flag=True, help="Replace what is already there.")
@shared.debug
def command(source: shared.Source, out: Path, kind: str | None, force: bool) -> None:
    """Write the networks of CKPT as our ckpt.pt, as a model folder with its card, or as ONNX.

    What was written is read back and must give the same images and scores within 1e-4.
    """
    from gan_probe.checkpoints.export import export_onnx
    from gan_probe.checkpoints.folder import save_folder
    from gan_probe.checkpoints.native import save_checkpoint
    from gan_probe.checkpoints.parity import compare
    from gan_probe.disk import check_writable

    kind = kind or {".pt": "pt", ".pth": "pt", ".onnx": "onnx"}.get(out.suffix.lower(), "safetensors")
    names = {"pt": [], "safetensors": ["model.safetensors"], "onnx": ["generator.onnx", "discriminator.onnx"]}[kind]
    whole = kind == "pt" or out.suffix.lower() == ".onnx"
    for target in [out] if whole else [out / name for name in names]:
        check_writable(target, force, parents=True)
    gan = source.load().differentiable()  # an ONNX file's networks too are written from torch
    if kind == "pt":
        save_checkpoint(gan, out)
    elif kind == "safetensors":
        save_folder(gan, out)
    else:
        export_onnx(gan, out)
    compare(gan, out)
    click.echo(str(out))
