"""The zoo's workshop: trains each model of zoo.toml by its one command, and publishes it as a folder beside this file.

    python models/zoo.py make [NAME ...]      train, or go on where it was stopped, and publish; all if none is named
    python models/zoo.py publish NAME CKPT    publish a checkpoint that has its training's report beside it

Run it in the repository's root: the commands name `.cache`, and stand so in the cards.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe.api import load
from gan_probe.checkpoints.folder import FILE, save_folder
from gan_probe.cli.train import command as train
from gan_probe.disk import write_bytes, write_text
from gan_probe.errors import BadInputError, GanProbeError, UsageError
from gan_probe.options import declared, parse_options
from gan_probe.training import Recipe
from zoo_card import classes, picture, readme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.gan import GAN, Card

HERE = Path(__file__).resolve().parent
TABLE = HERE / "zoo.toml"
UNPACKED = Path(".cache")
TRAINED = UNPACKED / "zoo"
COMPARED = 512  # samples by which float16 is judged
GREY_LEVELS, SPREAD = 1.0, 0.01  # what it may change: a pixel; a score of D, as a share of the scores' spread
LARGEST_ANIMATION = 300_000  # bytes
PRECISIONS = {True: "float16 kernels, float32 norms", False: "float32"}


@dataclass(frozen=True)
class Model:
    """An entry of zoo.toml, which says what each field is."""

    name: str
    about: str
    data: str
    training_data: str
    source: str
    options: str
    licence: str
    longer: str
    failings: Sequence[str] = ()
    terms: str = ""
    worth: str = ""
    keeps: str = "both networks"  # or its discriminator

    @property
    def command(self) -> list[str]:
        """The words behind `gan-probe` that train it."""
        out = (TRAINED / f"{self.name}.pt").as_posix()
        return ["train", "--data", self.data, *shlex.split(self.options), "--out", out, "--resume"]

    @property
    def unpack(self) -> str:
        """Its data's name for ../shared/data/unpack; none of a world drawn by code."""
        return Path(self.data).stem if Path(self.data).parent == UNPACKED else ""

    @property
    def recipe(self) -> Recipe:
        """What the options say."""
        given = train.make_context("train", self.command[1:]).params
        names = {option.name for option in declared(Recipe)}
        return parse_options(Recipe, {name: given[name] for name in names if given[name] is not None})


def models() -> dict[str, Model]:
    """The table, by name."""
    entries = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Model(name, **entry) for name, entry in entries.items()}


def make(model: Model, shared: Path) -> None:
    """Train a model, or go on with its training, and publish it; exits as the training does where that fails."""
    TRAINED.mkdir(parents=True, exist_ok=True)
    if model.unpack and not Path(model.data).exists():
        unpack = [sys.executable, str(shared / "data" / "unpack"), str(UNPACKED), model.unpack]
        subprocess.run(unpack, check=True)  # noqa: S603  # the data's own script
    done = subprocess.run([sys.executable, "-m", "gan_probe", *model.command], check=False)  # noqa: S603  # ourselves
    if done.returncode:
        sys.exit(done.returncode)
    publish(model, TRAINED / f"{model.name}.pt", HERE / model.name)


def publish(model: Model, checkpoint: Path, folder: Path) -> None:
    """Make the model's folder, whole or not at all, of a checkpoint and the report `<stem>-training/` beside it.

    Raises UsageError while nobody has written down the failings, BadInputError for a checkpoint of another recipe or
    report.
    """
    training = checkpoint.with_name(f"{checkpoint.stem}-training")
    if not model.failings:
        raise UsageError(f"{model.name}: look at {training}/index.html, then write its failings into {TABLE.name}")
    gan = load(checkpoint)
    check(model, gan.card, training)
    analysis = json.loads((training / "report.json").read_text())["analyses"][0]
    gan.card = dataclasses.replace(gan.card, name=model.name, training_data=model.training_data, licence=model.licence)
    with tempfile.TemporaryDirectory(prefix=f".{model.name}.", suffix=".partial", dir=folder.parent) as scratch:
        half, precision = stored_as(gan, Path(scratch) / "half")
        fresh = Path(scratch) / model.name
        fresh.mkdir()
        pictures = [f for f in analysis["figures"] if f["name"] in ("losses", "signals")]
        for figure in pictures:
            shutil.copy(training / figure["file"], fresh / f"{figure['name']}.png")
        for artifact in analysis["artifacts"]:
            animated = training / artifact["file"]
            if artifact["name"].endswith(".webp") and animated.stat().st_size < LARGEST_ANIMATION:
                shutil.copy(animated, fresh / artifact["name"])
        if model.terms:
            write_text(fresh / "LICENSE", f"{model.terms}\n")
        write_text(fresh / "README.md", readme(model, gan.card, training, precision, fresh))
        save_folder(gan, fresh, half)
        write_bytes(fresh / "samples.png", picture(load(fresh)))
        if model.keeps == "its discriminator":
            save_folder(dataclasses.replace(gan, generator=None), fresh, half)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    print(f"{folder}: {(folder / FILE).stat().st_size / 1e6:.1f} MB, {precision}")


def check(model: Model, card: Card, training: Path) -> None:
    """Raise BadInputError unless the checkpoint has the table's recipe, and the report is of its training."""
    was = card.training.get("recipe", {})
    for name, wanted in dataclasses.asdict(model.recipe).items():
        if name in was and was[name] != wanted:  # an older checkpoint has fewer
            raise BadInputError(f"{model.name} was trained with {name} {was[name]}; {TABLE.name} says {wanted}")
    if not (training / "report.json").is_file():
        raise BadInputError(f"{training} holds no report of the training; keep it beside the checkpoint")
    if json.loads((training / "report.json").read_text())["checkpoint"]["training"] != card.training:
        raise BadInputError(f"{training} is the report of another training than the checkpoint's")


def stored_as(gan: GAN, scratch: Path) -> tuple[bool, str]:
    """Whether float16 loses nothing, and by how much it differs, in words."""
    save_folder(gan, scratch, half=True)
    halved = load(scratch)
    z, labels = gan.latent(COMPARED, np.random.default_rng(0)), classes(gan, COMPARED)
    images, others = gan.sample(z, labels), halved.sample(z, labels)
    low, high = gan.card.value_range
    grey = float((images - others).abs().max()) * 255 / (high - low)
    share = 0.0
    if gan.discriminator is not None and halved.discriminator is not None:
        with torch.no_grad():
            scores, changed = (d(images, labels) for d in (gan.discriminator, halved.discriminator))
        share = float((scores - changed).abs().max() / scores.std())
    half = grey <= GREY_LEVELS and share <= SPREAD
    return half, (
        f"{PRECISIONS[half]}: by float16, of {COMPARED} samples, no pixel changes by more than {grey:.2g} grey levels "
        f"and no score of D by more than {share:.2%} of the scores' standard deviation"
    )


def main(words: Sequence[str] | None = None) -> None:
    """Parse, call, print a line for each model that went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="train, or go on, and publish")
    making.add_argument("names", nargs="*", metavar="NAME")
    making.add_argument("--shared", type=Path, default=Path("../shared"), help="where the shared images lie")
    publishing = commands.add_parser("publish", help="publish a checkpoint")
    publishing.add_argument("names", nargs=1, metavar="NAME")
    publishing.add_argument("checkpoint", type=Path, metavar="CKPT")
    given = parser.parse_args(words)
    table, code = models(), 0
    for name in given.names or table:
        try:
            if name not in table:
                raise UsageError(f"{name} is not in {TABLE.name}; there are: {', '.join(table)}")
            if given.command == "make":
                make(table[name], given.shared)
            else:
                publish(table[name], given.checkpoint, HERE / name)
        except GanProbeError as error:  # of one model: the others go on
            print(f"zoo: {error}", file=sys.stderr)
            code = error.exit_code
    sys.exit(code)


if __name__ == "__main__":
    main()
