"""`gan-probe annotate`: a page in the browser to box objects and tick exemplars on samples."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gan_probe.cli import options as shared
from gan_probe.cli.termination import terminable


@click.command(
    short_help="Mark objects and concepts on samples.",
    epilog="""\b
Examples:
  gan-probe annotate toy-rooms-dcgan --out rooms          Ctrl-C ends; the same line goes on
  gan-probe annotate ckpt.pt -n 500 --no-browser          prints the page's address""",
)
@shared.checkpoint()
@click.option(
    "-n",
    "--count",
    "n",
    type=click.IntRange(1, 5_000),
    default=200,
    show_default=True,
    help="How many samples to show.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of boxes.json and concepts.json; what is there is gone on with.  [default: NAME-annotations]",
)
@click.option(
    "--boxes",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Begin with the boxes of this COCO file, another tool's say, on pictures named as sample-000012.png.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: one that is free]")
@click.option("--no-browser", is_flag=True, help="Do not open a browser; without a terminal none is opened anyway.")
@shared.seed
@shared.device
@shared.batch_size
@shared.debug
def command(
    source: shared.Source,
    n: int,
    out: Path | None,
    boxes: Path | None,
    port: int,
    no_browser: bool,
    seed: int,
    device: str,
    batch_size: int,
) -> None:
    """Draw boxes on objects and tick exemplars of concepts, on samples of CKPT, in a page of your browser.

    The page is for this machine alone: its address, which is printed, holds a secret. It saves by itself: boxes as COCO
    JSON, exemplars as plain JSON, for the analyses that take them. Ctrl-C ends it and prints the files.
    """
    from gan_probe.analysis import Context
    from gan_probe.annotations import read_boxes
    from gan_probe.annotations.folder import AnnotationFolder
    from gan_probe.annotations.server import PageServer
    from gan_probe.errors import UsageError

    gan = source.load().to(shared.choose_device(device))
    if gan.generator is None:
        raise UsageError(f"{gan.card.name} has no generator: it cannot sample")
    folder = AnnotationFolder(out or Path(f"{shared.safe_name(gan.card.name)}-annotations"), gan.card, seed)
    with folder:
        if boxes is not None:
            folder.take(read_boxes(boxes, gan.card, seed))
        n = max(n, folder.last + 1)
        with shared.progress() as progress:
            pixels = Context(seed, gan.device, batch_size, progress=progress).samples(gan, n).pixels
        with PageServer(folder, pixels, port) as server:
            click.echo(server.address)
            click.echo("note: open this address in a browser; Ctrl-C ends, everything is saved as you go", err=True)
            if not no_browser and sys.stdout.isatty() and _has_windows():
                import webbrowser

                webbrowser.open(server.address)
            try:
                with terminable():
                    server.serve_forever()
            except KeyboardInterrupt:
                pass  # that is how one ends it
            finally:
                for path in folder.files:
                    click.echo(str(path))
                if not folder.files:
                    click.echo("note: nothing was marked, nothing was written", err=True)


def _has_windows() -> bool:
    # over ssh a browser for the terminal would take the terminal, and wait for a page that waits for it
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
