"""Train this checkpoint anew: `python models/digits-dcgan/train.py [FOLDER]`, three minutes on one CPU core.

Writes model.safetensors, the card in README.md, samples.png and losses.png into the folder (this one if none is
named), and prints what the README says about the samples.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from gan_probe.checkpoints.folder import save_folder
from gan_probe.data import open_data
from gan_probe.disk import write_bytes
from gan_probe.gan import GAN
from gan_probe.report.drawing import png
from gan_probe.report.figures import image_grid
from gan_probe.report.model import Figure
from gan_probe.training import Recipe
from gan_probe.training.loop import train

RECIPE = Recipe(epochs=400, image_size=16, width=32, kernel=4, z_size=32)
SEED = 0


def main(folder: Path) -> None:
    """Train, measure, save."""
    torch.set_num_threads(1)  # the order of sums, and so the last bits of the weights, depend on it
    split = open_data("digits").train
    images = split.load(image_size=16, channels=1)
    began = time.monotonic()

    def tell(epoch: int, _: GAN) -> None:
        if epoch % 50 == 0:
            print(f"epoch {epoch}, {time.monotonic() - began:.0f} s", flush=True)

    gan, history = train(images.images, RECIPE, seed=SEED, on_epoch=tell)
    source = {"name": "digits", "split": split.name, "fingerprint": images.fingerprint}
    gan.card = dataclasses.replace(
        gan.card,
        name="digits-dcgan",
        training_data="digits",
        training=gan.card.training | {"data": source},
        licence="MIT; the training data are CC BY 4.0",
    )
    save_folder(gan, folder)

    samples = gan.to_uint8(gan.sample(gan.latent(1000, np.random.default_rng(SEED))))  # (1000, 16, 16, 1)
    write_bytes(folder / "samples.png", png(Figure("samples", image_grid(samples[:96], columns=16))))
    write_bytes(folder / "losses.png", png(history.loss_figure(), dpi=120))

    assert images.labels is not None  # noqa: S101  # the digits have them
    neighbour = KNeighborsClassifier(1).fit(images.images.reshape(len(images), -1), images.labels)
    counts = np.bincount(neighbour.predict(samples.reshape(len(samples), -1)), minlength=10)
    print("1,000 samples by the class of the nearest training image, 0 to 9:", *counts)
    print("final losses:", history.rows[-1])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
