"""What a model's folder says and shows of it: the README.md and the picture of samples."""

from __future__ import annotations

import csv
import json
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_probe.checkpoints.folder import BEGIN, END
from gan_probe.report.drawing import png
from gan_probe.report.figures import image_grid
from gan_probe.report.model import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gan_probe.gan import GAN, Card
    from zoo import Model

SHOWN, COLUMNS = 96, 12  # samples in the picture


def classes(gan: GAN, n: int) -> torch.Tensor | None:
    """Labels (n,) of a conditional model: one class a column of the picture."""
    return torch.arange(n) % len(gan.card.classes) if gan.card.classes else None


def picture(gan: GAN) -> bytes:
    """The first samples of seed 0 as a PNG."""
    columns = len(gan.card.classes) or COLUMNS
    n = SHOWN // columns * columns
    images = gan.to_uint8(gan.sample(gan.latent(n, np.random.default_rng(0)), classes(gan, n)))
    return png(Figure("samples", image_grid(images, columns)))


def readme(model: Model, card: Card, training: Path, precision: str, folder: Path) -> str:
    """The model card around `save_folder`'s block; `training` holds the report, `folder` the pictures."""
    columns = len(card.classes) or COLUMNS
    n = SHOWN // columns * columns
    kinds = f" Columns: {', '.join(card.classes)}." if card.classes else ""
    unpack = f"    python ../shared/data/unpack .cache {model.unpack}\n" if model.unpack else ""
    failings = "\n".join(f"- {failing}" for failing in model.failings)
    return f"""# {model.name}

{model.about}

![{n} generated images, as drawn](samples.png)

*The first {n} samples of seed 0, none chosen.{kinds} Generated images; no picture of the data set is in this folder.*

## Data and licence

{model.source} Used: {card.training["images"]:,} training images, at {card.image_size}x{card.image_size} pixels.

The model: {model.licence}.

## How it was made

{unpack}    gan-probe {shlex.join(model.command)}

or `make zoo MODELS={model.name}`, which publishes it too. {made(card)}

Stored as {precision}.

{steadiness(training, folder)}
{f"## What it is worth{chr(10)}{chr(10)}{model.worth}{chr(10)}{chr(10)}" if model.worth else ""}## Known failings

{failings}

## What a longer run should bring

{model.longer}

{BEGIN}
{END}
"""


def made(card: Card) -> str:
    """Epochs, steps, time and machine of a training, in sentences."""
    training = card.training
    recipe = training["recipe"]
    minutes = training["seconds"] / 60
    time = f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
    stops = len(training.get("resumed", ()))
    stopped = f", with {stops} interruption{'s' * (stops > 1)}" if stops else ""
    return (
        f"The recipe is the {recipe.get('recipe', 'paper')}'s: {training['epochs']:g} epochs, {training['steps']:,} "
        f"steps of {recipe['batch_size']} images, {recipe['precision']} products, in {time} on {training['machine']} "
        f"(torch {training['torch']}, seed {training['seed']}){stopped}. "
        f"Weights: {training.get('weights', 'of the last step')}. Batch norm: {training['batch_norm']}."
    )


def steadiness(training: Path, folder: Path) -> str:
    """The verdict with its evidence, measures and curves; or that there is none."""
    analysis = json.loads((training / "report.json").read_text())["analyses"][0]
    tables = {table["name"]: table for table in analysis["tables"]}
    parts = ["## Was the training steady?"]
    if verdict := tables.get("verdict"):
        parts += [f"{verdict['title']}.", markdown(verdict["rows"]), f"*{verdict['caption']}*"]
    else:
        parts.append(
            "Not known: it was trained before the monitors were written, so that there is no verdict, "
            "and no measure of its samples against real images as it went."
        )
    parts.append("![Losses, scores and gradients by step](losses.png)")
    if measures := tables.get("measures"):
        (file,) = (artifact["file"] for artifact in analysis["artifacts"] if artifact["name"] == "measures.csv")
        caption = measures["caption"].partition(" The 95% intervals")[0]
        parts += [measured(training / file), f"*{measures['title']}: {caption} In brackets: 95% intervals.*"]
    if (folder / "signals.png").is_file():
        parts.append("![Variety of samples by step](signals.png)")
    if (folder / "samples-over-training.webp").is_file():
        parts.append("![The same latents over training, animated](samples-over-training.webp)")
    return "\n\n".join(parts) + "\n"


def measured(path: Path) -> str:
    """The measures of the last samples and of other real images, each with its interval, as a table."""
    with path.open(newline="") as file:
        *_, end, real = csv.DictReader(file)
    names = [name for name in end if f"{name}_low" in end]
    rows = [
        {"measure": name}
        | {
            row["samples"]: "{:.3g} ({:.3g} to {:.3g})".format(*(float(row[name + e]) for e in ("", "_low", "_high")))
            for row in (end, real)
        }
        for name in names
    ]
    return markdown(rows)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of cells under their columns."""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [
        [f"{v:.3g}" if isinstance(v, float) else "" if v is None else str(v) for v in row.values()] for row in rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
